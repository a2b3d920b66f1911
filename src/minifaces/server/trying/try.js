// Forms made of /openapi.json: one for each operation, and what it answers.

const made = (tag, text = "", more = {}) => Object.assign(document.createElement(tag), { textContent: text, ...more })

const place = document.getElementById("operations")
const token = document.getElementById("token")

/** A schema with its reference followed. */
const followed = (schema, document) =>
  schema?.$ref ? schema.$ref.slice(2).split("/").reduce((at, key) => at[key], document) : (schema ?? {})

/** What a body could be, by a schema's own example, default or kind. */
function example(schema, document) {
  const s = followed(schema, document)
  if (s.examples) return s.examples[0]
  if (s.default !== undefined) return s.default
  if (s.type === "object") {
    const wanted = Object.entries(s.properties ?? {}).filter(([name]) => s.required?.includes(name))
    return Object.fromEntries(wanted.map(([name, value]) => [name, example(value, document)]))
  }
  if (s.type === "array") return Array.from({ length: s.minItems ?? 1 }, () => example(s.items, document))
  return { integer: s.minimum ?? 0, number: 0, boolean: false }[s.type] ?? ""
}

function field(parameter, document) {
  const schema = followed(parameter.schema, document)
  const options = schema.enum ?? schema.anyOf?.find((one) => one.enum)?.enum
  const input = options ? made("select") : made("input")
  for (const option of options ? ["", ...options] : []) input.append(made("option", option, { value: option }))
  input.name = parameter.name
  input.value = parameter.example ?? (parameter.required ? (schema.examples?.[0] ?? "") : "")
  input.placeholder = schema.default ?? ""
  const label = made("label", `${parameter.name}${parameter.required ? " *" : ""} `)
  label.append(input)
  if (schema.description) label.append(made("small", schema.description))
  return label
}

async function shown(answer, out) {
  const kind = answer.headers.get("content-type") ?? ""
  const head = made("p", `${answer.status} ${answer.statusText} · ${kind}`, { className: answer.ok ? "" : "bad" })
  if (kind.startsWith("image/")) {
    const picture = made("img", "", { alt: "The answer", src: URL.createObjectURL(await answer.blob()) })
    out.replaceChildren(head, picture)
    return
  }
  const text = await answer.text()
  let told = text
  try {
    told = JSON.stringify(JSON.parse(text), null, 1)
  } catch {
    // no JSON: as it is
  }
  out.replaceChildren(head, made("pre", told.length > 20000 ? `${told.slice(0, 20000)}\n…` : told))
}

function operation(path, method, row, document) {
  const box = made("details")
  const title = made("summary")
  title.append(made("b", method.toUpperCase()), made("code", path), made("span", ` ${row.summary ?? ""}`))
  const form = made("form")
  for (const parameter of row.parameters ?? []) form.append(field(parameter, document))
  const [kind, content] = Object.entries(row.requestBody?.content ?? {})[0] ?? []
  let body
  if (kind === "application/json") {
    body = made("textarea", JSON.stringify(example(content.schema, document), null, 1), { ariaLabel: "Body, JSON" })
  } else if (kind) {
    body = made("input", "", { type: "file", accept: "image/*", ariaLabel: "A picture" })
  }
  if (body) form.append(body)
  const sent = made("code")
  const out = made("div", "", { ariaLive: "polite" })
  const line = made("p")
  line.append(made("button", "Send"), " ", sent)
  form.append(line)
  form.addEventListener("submit", async (event) => {
    event.preventDefault()
    let address = path
    const query = new URLSearchParams()
    for (const parameter of row.parameters ?? []) {
      const value = form.elements[parameter.name].value
      if (parameter.in === "path") address = address.replace(`{${parameter.name}}`, encodeURIComponent(value))
      else if (value !== "") query.append(parameter.name, value)
    }
    if (query.size) address += `?${query}`
    const headers = token.value ? { Authorization: `Bearer ${token.value}` } : {}
    const payload = !body ? undefined : body.type === "file" ? body.files[0] : body.value
    if (body && kind === "application/json") headers["Content-Type"] = kind
    sent.textContent = `${method.toUpperCase()} ${address}`
    out.replaceChildren(made("p", "…"))
    try {
      await shown(await fetch(address, { method: method.toUpperCase(), headers, body: payload }), out)
    } catch (error) {
      out.replaceChildren(made("p", String(error), { className: "bad" }))
    }
  })
  box.append(title, form, out)
  return box
}

async function begin() {
  const headers = token.value ? { Authorization: `Bearer ${token.value}` } : {}
  const answer = await fetch("/openapi.json", { headers })
  if (!answer.ok) {
    place.replaceChildren(made("p", `${answer.status}: the server wants its token`, { className: "bad" }))
    return
  }
  const document = await answer.json()
  const rows = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, row]) => operation(path, method, row, document)),
  )
  rows[0].open = true
  place.replaceChildren(...rows)
  place.ariaBusy = "false"
}

token.addEventListener("change", begin)
begin()
