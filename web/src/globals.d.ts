/** AssemblyScript, compiled when the page is built. */
declare module "*?kernels" {
  const module: Uint8Array<ArrayBuffer>
  export default module
}
