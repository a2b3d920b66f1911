// The map in WebGL2: faces lie in the graphics memory in the order of their places on the sheets, so that each sheet
// is drawn by one call for a range of them. A frame uploads nothing. Four corners a face rather than an instance: where
// there is no graphics chip, SwiftShader draws instances one by one.

import type { Atlas } from "../engine/types"
import type { Camera } from "./camera"
import { depth, eachInView, type Renderer, type Scene, Sheets } from "./scene"

const VERTEX = `#version 300 es
uniform vec2 view;      // pixels
uniform vec4 camera;    // x, y, pixels a unit of the world across and down
uniform float side;     // of a face, pixels
uniform vec4 sheet;     // width and height of a cell, half a texel of each, in texture units
uniform ivec2 cells;    // columns, and the number of the sheet's first face
layout(location = 0) in vec2 place;  // in the world
layout(location = 1) in vec2 look;   // how far forward, state
out vec2 inside;
out vec2 texel;
flat out float state;
void main() {
  vec2 corner = vec2(gl_VertexID & 1, (gl_VertexID >> 1) & 1);
  float grown = look.y > 2.5 ? 1.3 : look.y > 1.5 ? 1.12 : 1.0;
  vec2 pixel = (place - camera.xy) * camera.zw + (corner - 0.5) * side * grown;
  gl_Position = vec4(pixel / view * vec2(2, -2), 1.0 - 2.0 * look.x, 1);
  int at = (gl_VertexID >> 2) - cells.y;
  vec2 cell = vec2(at % cells.x, at / cells.x);
  inside = corner * 2.0 - 1.0;
  texel = cell * sheet.xy + mix(sheet.zw, sheet.xy - sheet.zw, corner);
  state = look.y;
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
  vec4 face = texture(faces, texel); // multiplied by its opacity
  bool rim = state > 1.5 && state < 2.5 && max(abs(inside.x), abs(inside.y)) > 0.9;
  if (face.a < 0.05 && !rim) discard;
  vec3 seen = rim ? mark : face.rgb + (1.0 - face.a) * ground;
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
  const [viewAt, cameraAt, sideAt, sheetAt] = [at("view"), at("camera"), at("side"), at("sheet")]
  const [cellsAt, groundAt, markAt] = [at("cells"), at("ground"), at("mark")]
  const count = atlas.slots.length
  const order = new Uint32Array(count)
  atlas.slots.forEach((slot, index) => (order[slot] = index))
  gl.bindVertexArray(gl.createVertexArray())
  const buffers = [0, 1].map(location => {
    const buffer = gl.createBuffer()
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer)
    gl.enableVertexAttribArray(location)
    gl.vertexAttribPointer(location, 2, gl.FLOAT, false, 0, 0)
    return buffer
  })
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer())
  const corners = Uint32Array.from({ length: 6 * count }, (_, i) => 4 * Math.floor(i / 6) + [0, 1, 2, 2, 1, 3][i % 6])
  gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, corners, gl.STATIC_DRAW)
  const numbers = new Float32Array(8 * count)
  const fill = (location: number, first: (index: number) => number, second: (index: number) => number) => {
    for (let vertex = 0; vertex < 4 * count; vertex++) {
      numbers[2 * vertex] = first(order[vertex >> 2])
      numbers[2 * vertex + 1] = second(order[vertex >> 2])
    }
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers[location])
    gl.bufferData(gl.ARRAY_BUFFER, numbers, gl.DYNAMIC_DRAW)
  }
  gl.useProgram(program)
  gl.enable(gl.DEPTH_TEST)
  const sheets = new Sheets<Texture>(
    atlas,
    (bitmap, level) => upload(gl, bitmap, level === 0),
    ({ texture }) => gl.deleteTexture(texture),
    redraw,
  )
  /** Draw the faces from one place on the sheets up to another, from the best sheets that are there. */
  const range = (first: number, end: number, wanted: number, used: Set<number>) => {
    for (let from = first; from < end; ) {
      const found = sheets.find(from, wanted)
      const { size, columns, rows } = atlas.levels[found?.level ?? wanted]
      const place = from % (columns * rows)
      const to = Math.min(end, from - place + columns * rows)
      if (found) {
        used.add(found.key)
        const { texture, width, height } = found.picture
        gl.bindTexture(gl.TEXTURE_2D, texture)
        gl.uniform4f(sheetAt, size / width, size / height, 0.5 / width, 0.5 / height)
        gl.uniform2i(cellsAt, columns, from - place)
        gl.drawElements(gl.TRIANGLES, 6 * (to - from), gl.UNSIGNED_INT, 24 * from)
      }
      from = to
    }
  }
  const lost = (event: Event) => event.preventDefault()
  canvas.addEventListener("webglcontextlost", lost)
  return {
    draw(scene: Scene, camera: Camera, ratio: number) {
      const [width, height] = [canvas.width, canvas.height]
      const { ground, mark } = colours(canvas)
      if (scene.fresh.places) fill(0, index => scene.x[index], index => scene.y[index])
      if (scene.fresh.states) fill(1, index => depth(scene, index), index => scene.state[index])
      scene.fresh = { places: false, states: false }
      gl.viewport(0, 0, width, height)
      gl.clearColor(ground[0], ground[1], ground[2], 1)
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT)
      gl.uniform2f(viewAt, width, height)
      const [across, down] = camera.scales
      gl.uniform4f(cameraAt, camera.x, camera.y, across * ratio, down * ratio)
      gl.uniform1f(sideAt, scene.side * ratio)
      gl.uniform3fv(groundAt, ground)
      gl.uniform3fv(markAt, mark)
      const level = sheets.level(scene.side * ratio)
      const capacity = atlas.levels[level].columns * atlas.levels[level].rows
      const inView = new Set<number>()
      eachInView(scene, camera, width / ratio, height / ratio, index => {
        inView.add(Math.floor(atlas.slots[index] / capacity))
      })
      const used = new Set<number>()
      for (const sheet of inView) range(sheet * capacity, Math.min(count, (sheet + 1) * capacity), level, used)
      if (used.size && !performance.getEntriesByName("map-picture").length) performance.mark("map-picture")
      sheets.tidy(used)
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
