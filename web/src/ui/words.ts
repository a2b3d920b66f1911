// What people say for what descriptions and attributes say: searched for, and written on the map.

import type { Entry } from "../engine/types"

/** Of descriptions: what is found by other words too, and what many such faces side by side are called. */
const SAID: [told: RegExp, also: string, together?: string][] = [
  [/eye ?patch/, "pirate eyepatch", "eye patches"],
  [/skull|skeleton/, "skull skeleton bones", "skulls"],
  [/moustach/, "mustache"],
  [/glasses|goggles|visor/, "glasses sunglasses specs"],
  [/robot|cyborg|droid/, "robot cyborg android", "robots"],
  [/fangs/, "vampire monster"],
  [/balaclava/, "ninja burglar"],
  [/wrinkle|crow's feet|\bold\b/, "old grandpa grandma"],
  [/\bgr[ea]y\b/, "grey gray"],
]
const KNOWN: Record<string, [has: string, lacks: string, together?: string]> = {
  facial_hair: ["beard bearded moustache", "shaven", "beards"],
  eyewear: ["glasses sunglasses goggles", "", "glasses"],
  female: ["woman women girl lady female", "man men boy guy male", "women"],
  smile: ["smile smiling happy", "", "smiles"],
  angry: ["angry cross furious evil", ""],
  scared: ["scared afraid sad worried", ""],
  lips: ["lips lipstick", ""],
  teeth: ["teeth grin", "", "teeth"],
  printed_hair: ["hair fringe", "", "hair"],
  mask: ["mask masked", "", "masks"],
}

export const readable = (name: string) => name.replaceAll("_", " ")

/** All words that an entry can be found by. */
function words({ name, description, attributes, colour }: Entry): string {
  const text = `${name} ${description} ${colour}`.toLowerCase()
  const said = SAID.filter(([told]) => told.test(text)).map(([, also]) => also)
  const known = Object.entries(attributes).map(([key, has]) => KNOWN[key]?.[has ? 0 : 1] ?? (has ? readable(key) : ""))
  return [text, ...said, ...known].join(" ")
}

/** Entries of which every word is told: a whole one, or its beginning; of names and descriptions any part. */
export function found(entries: Entry[], wanted: string): Entry[] {
  const asked = wanted.toLowerCase().split(/\s+/).filter(Boolean)
  if (!asked.length) return entries
  return entries.filter(entry => {
    const [own, all] = [`${entry.name} ${entry.description}`.toLowerCase(), ` ${words(entry)}`]
    return asked.every(word => own.includes(word) || all.includes(` ${word}`))
  })
}

/** What many faces can have in common, and what they are called then. */
export function kinds(gallery: Entry[]): [name: string, has: (entry: Entry) => boolean][] {
  const attributes = new Set(gallery.flatMap(({ attributes }) => Object.keys(attributes)))
  return [
    ...[...attributes].map((key): [string, (entry: Entry) => boolean] => [
      KNOWN[key]?.[2] ?? readable(key),
      ({ attributes }) => attributes[key],
    ]),
    ...SAID.flatMap(([told, , together]): [string, (entry: Entry) => boolean][] =>
      together ? [[together, ({ description }) => told.test(description.toLowerCase())]] : [],
    ),
  ]
}
