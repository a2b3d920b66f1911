;; y = bias + unit * (W x) for four rows x at once, in double precision.
;;
;; W: whole numbers of one byte, row after row, columns a multiple of 8; units and biases: float32, one a row of W.
;; x, y: four rows of float64 each, xStep and yStep bytes apart. All addresses are bytes in the memory.
(module
  (import "env" "memory" (memory 1))
  (func (export "linear")
    (param $w i32) (param $units i32) (param $biases i32) (param $rows i32) (param $columns i32)
    (param $x i32) (param $xStep i32) (param $y i32) (param $yStep i32)
    (local $end i32) (local $x0 i32) (local $x1 i32) (local $x2 i32) (local $x3 i32)
    (local $low v128) (local $high v128) (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local $sum0 v128) (local $sum1 v128) (local $sum2 v128) (local $sum3 v128) (local $unit f64) (local $bias f64)
    (loop $row
      (local.set $x0 (local.get $x))
      (local.set $sum0 (v128.const f64x2 0 0))
      (local.set $x1 (i32.add (local.get $x) (local.get $xStep)))
      (local.set $sum1 (v128.const f64x2 0 0))
      (local.set $x2 (i32.add (local.get $x) (i32.mul (local.get $xStep) (i32.const 2))))
      (local.set $sum2 (v128.const f64x2 0 0))
      (local.set $x3 (i32.add (local.get $x) (i32.mul (local.get $xStep) (i32.const 3))))
      (local.set $sum3 (v128.const f64x2 0 0))
      (local.set $end (i32.add (local.get $w) (local.get $columns)))
      (loop $column
        ;; eight weights as four pairs of float64
        (local.set $a (v128.load8x8_s (local.get $w)))
        (local.set $low (i32x4.extend_low_i16x8_s (local.get $a)))
        (local.set $high (i32x4.extend_high_i16x8_s (local.get $a)))
        (local.set $a (f64x2.convert_low_i32x4_s (local.get $low)))
        (local.set $b (f64x2.convert_low_i32x4_s
          (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $low) (local.get $low))))
        (local.set $c (f64x2.convert_low_i32x4_s (local.get $high)))
        (local.set $d (f64x2.convert_low_i32x4_s
          (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $high) (local.get $high))))
        (local.set $sum0 (f64x2.add (local.get $sum0)
          (f64x2.add
            (f64x2.add (f64x2.mul (local.get $a) (v128.load (local.get $x0))) (f64x2.mul (local.get $b) (v128.load offset=16 (local.get $x0))))
            (f64x2.add (f64x2.mul (local.get $c) (v128.load offset=32 (local.get $x0))) (f64x2.mul (local.get $d) (v128.load offset=48 (local.get $x0)))))))
        (local.set $x0 (i32.add (local.get $x0) (i32.const 64)))
        (local.set $sum1 (f64x2.add (local.get $sum1)
          (f64x2.add
            (f64x2.add (f64x2.mul (local.get $a) (v128.load (local.get $x1))) (f64x2.mul (local.get $b) (v128.load offset=16 (local.get $x1))))
            (f64x2.add (f64x2.mul (local.get $c) (v128.load offset=32 (local.get $x1))) (f64x2.mul (local.get $d) (v128.load offset=48 (local.get $x1)))))))
        (local.set $x1 (i32.add (local.get $x1) (i32.const 64)))
        (local.set $sum2 (f64x2.add (local.get $sum2)
          (f64x2.add
            (f64x2.add (f64x2.mul (local.get $a) (v128.load (local.get $x2))) (f64x2.mul (local.get $b) (v128.load offset=16 (local.get $x2))))
            (f64x2.add (f64x2.mul (local.get $c) (v128.load offset=32 (local.get $x2))) (f64x2.mul (local.get $d) (v128.load offset=48 (local.get $x2)))))))
        (local.set $x2 (i32.add (local.get $x2) (i32.const 64)))
        (local.set $sum3 (f64x2.add (local.get $sum3)
          (f64x2.add
            (f64x2.add (f64x2.mul (local.get $a) (v128.load (local.get $x3))) (f64x2.mul (local.get $b) (v128.load offset=16 (local.get $x3))))
            (f64x2.add (f64x2.mul (local.get $c) (v128.load offset=32 (local.get $x3))) (f64x2.mul (local.get $d) (v128.load offset=48 (local.get $x3)))))))
        (local.set $x3 (i32.add (local.get $x3) (i32.const 64)))
        (local.set $w (i32.add (local.get $w) (i32.const 8)))
        (br_if $column (i32.lt_u (local.get $w) (local.get $end))))
      (local.set $unit (f64.promote_f32 (f32.load (local.get $units))))
      (local.set $bias (f64.promote_f32 (f32.load (local.get $biases))))
      (f64.store (local.get $y) (f64.add (local.get $bias) (f64.mul (local.get $unit)
        (f64.add (f64x2.extract_lane 0 (local.get $sum0)) (f64x2.extract_lane 1 (local.get $sum0))))))
      (f64.store (i32.add (local.get $y) (local.get $yStep)) (f64.add (local.get $bias) (f64.mul (local.get $unit)
        (f64.add (f64x2.extract_lane 0 (local.get $sum1)) (f64x2.extract_lane 1 (local.get $sum1))))))
      (f64.store (i32.add (local.get $y) (i32.mul (local.get $yStep) (i32.const 2))) (f64.add (local.get $bias) (f64.mul (local.get $unit)
        (f64.add (f64x2.extract_lane 0 (local.get $sum2)) (f64x2.extract_lane 1 (local.get $sum2))))))
      (f64.store (i32.add (local.get $y) (i32.mul (local.get $yStep) (i32.const 3))) (f64.add (local.get $bias) (f64.mul (local.get $unit)
        (f64.add (f64x2.extract_lane 0 (local.get $sum3)) (f64x2.extract_lane 1 (local.get $sum3))))))
      (local.set $units (i32.add (local.get $units) (i32.const 4)))
      (local.set $biases (i32.add (local.get $biases) (i32.const 4)))
      (local.set $y (i32.add (local.get $y) (i32.const 8)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $row (local.get $rows)))))
