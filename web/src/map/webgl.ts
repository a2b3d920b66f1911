// The map in WebGL2: one call a sheet, each face an instance of a square with round corners.

import type { Atlas } from "../engine/types"
import type { Camera } from "./camera"
import { inView, type Renderer, type Scene, Sheets } from "./scene"

const VERTEX = `#version 300 es
uniform vec2 view;      // pixels
uniform float side;     // of a face, pixels
uniform vec4 sheet;     // width and height of a cell, half a texel of each, in texture units
layout(location = 0) in vec4 face;   // middle in pixels, column, row
layout(location = 1) in vec2 depth;  // how far forward, state
out vec2 inside;
out vec2 texel;
flat out float state;
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  float grown = depth.y > 1.5 ? 1.12 : 1.0;
  vec2 pixel = face.xy + (corner - 0.5) * side * grown;
  gl_Position = vec4(pixel / view * vec2(2, -2) + vec2(-1, 1), 1.0 - 2.0 * depth.x, 1);
  inside = corner * 2.0 - 1.0;
  texel = (face.zw * sheet.xy) + mix(sheet.zw, sheet.xy - sheet.zw, corner);
  state = depth.y;
}`
const FRAGMENT = `#version 300 es
precision mediump float;
uniform sampler2D faces;
uniform vec3 ground;
uniform vec3 mark;
in vec2 inside;
in vec2 texel;
flat in float state;
out vec4 colour;
void main() {
  vec2 over = abs(inside) - 0.84;
  if (over.x > 0.0 && over.y > 0.0 && length(over) > 0.16) discard;
  vec3 seen = texture(faces, texel).rgb;
  bool rim = max(abs(inside.x), abs(inside.y)) > 0.9;
  if (state > 1.5) seen = rim ? mark : seen;
  if (state < 0.5) seen = mix(ground, seen, 0.12);
  colour = vec4(seen, 1);
}`

interface Texture {
  texture: WebGLTexture
  width: number
  height: number
}

/** Null where this browser has no WebGL2. */
export function webgl(canvas: HTMLCanvasElement, atlas: Atlas, redraw: () => void): Renderer | null {
  const gl = canvas.getContext("webgl2", { antialias: false, alpha: false, powerPreference: "low-power" })
  if (!gl) return null
  const program = link(gl)
  const at = (name: string) => gl.getUniformLocation(program, name)
  const places = { view: at("view"), side: at("side"), sheet: at("sheet"), ground: at("ground"), mark: at("mark") }
  const instances = gl.createBuffer()
  gl.bindVertexArray(gl.createVertexArray())
  gl.bindBuffer(gl.ARRAY_BUFFER, instances)
  for (const [location, size, offset] of [[0, 4, 0], [1, 2, 16]] as const) {
    gl.enableVertexAttribArray(location)
    gl.vertexAttribPointer(location, size, gl.FLOAT, false, 24, offset)
    gl.vertexAttribDivisor(location, 1)
  }
  gl.useProgram(program)
  gl.enable(gl.DEPTH_TEST)
  const sheets = new Sheets<Texture>(
    atlas,
    (bitmap, level) => upload(gl, bitmap, level === 0),
    ({ texture }) => gl.deleteTexture(texture),
    redraw,
  )
  const lost = (event: Event) => event.preventDefault()
  canvas.addEventListener("webglcontextlost", lost)
  return {
    name: "WebGL2",
    draw(scene: Scene, camera: Camera, ratio: number) {
      const [width, height] = [canvas.width, canvas.height]
      const { ground, mark } = colours(canvas)
      gl.viewport(0, 0, width, height)
      gl.clearColor(ground[0], ground[1], ground[2], 1)
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT)
      const level = sheets.level(scene.side * ratio)
      const batches = new Map<number, { sheet: Texture; level: number; numbers: number[] }>()
      for (const { index, x, y, depth } of inView(scene, camera, width / ratio, height / ratio)) {
        const found = sheets.find(index, level)
        if (!found) continue
        let batch = batches.get(found.key)
        if (!batch) batches.set(found.key, (batch = { sheet: found.picture, level: found.level, numbers: [] }))
        const [column, row] = sheets.cell(index, found.level)
        batch.numbers.push(x * ratio, y * ratio, column, row, depth, scene.state[index])
      }
      gl.uniform2f(places.view, width, height)
      gl.uniform1f(places.side, scene.side * ratio)
      gl.uniform3fv(places.ground, ground)
      gl.uniform3fv(places.mark, mark)
      for (const { sheet, level: at, numbers } of batches.values()) {
        const { size } = atlas.levels[at]
        gl.bindTexture(gl.TEXTURE_2D, sheet.texture)
        gl.uniform4f(places.sheet, size / sheet.width, size / sheet.height, 0.5 / sheet.width, 0.5 / sheet.height)
        gl.bufferData(gl.ARRAY_BUFFER, new Float32Array(numbers), gl.STREAM_DRAW)
        gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, numbers.length / 6)
      }
      if (batches.size && !performance.getEntriesByName("map-picture").length) performance.mark("map-picture")
      sheets.tidy(new Set(batches.keys()))
    },
    close() {
      sheets.close()
      canvas.removeEventListener("webglcontextlost", lost)
      gl.getExtension("WEBGL_lose_context")?.loseContext()
    },
  }
}

function upload(gl: WebGL2RenderingContext, bitmap: ImageBitmap, shrunk: boolean): Texture {
  const texture = gl.createTexture()
  gl.bindTexture(gl.TEXTURE_2D, texture)
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, bitmap)
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE)
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE)
  // Only the smallest faces are drawn much smaller than they are.
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, shrunk ? gl.LINEAR_MIPMAP_NEAREST : gl.LINEAR)
  if (shrunk) gl.generateMipmap(gl.TEXTURE_2D)
  return { texture, width: bitmap.width, height: bitmap.height }
}

function link(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram()
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
    const shader = gl.createShader(kind)!
    gl.shaderSource(shader, source)
    gl.compileShader(shader)
    gl.attachShader(program, shader)
  }
  gl.linkProgram(program)
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(`WebGL: ${gl.getProgramInfoLog(program)}`)
  return program
}

/** The page's colours of the ground and of what is chosen, 0 to 1. */
function colours(canvas: HTMLCanvasElement): { ground: number[]; mark: number[] } {
  const { backgroundColor, outlineColor } = getComputedStyle(canvas)
  const numbers = (text: string) => (text.match(/[\d.]+/g) ?? []).slice(0, 3).map(part => Number(part) / 255)
  return { ground: numbers(backgroundColor), mark: numbers(outlineColor) }
}
