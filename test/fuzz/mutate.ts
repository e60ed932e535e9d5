/**
 * Another input from one or two that are known: bytes changed, taken out, put in, doubled, spliced, and words of the
 * language put in.
 */
import { below } from "../faults/random.ts";

type Random = () => number;

const MAX_LENGTH = 4096;

export const mutated = (
  one: Uint8Array,
  other: Uint8Array,
  words: readonly Uint8Array[],
  random: Random,
): Uint8Array => {
  let bytes: Buffer = Buffer.from(one);
  for (let count = 1 + below(random, 4); count > 0; count--)
    bytes = MUTATIONS[below(random, MUTATIONS.length)]!(bytes, { other, words, random });
  return bytes.subarray(0, MAX_LENGTH);
};

type Means = { readonly other: Uint8Array; readonly words: readonly Uint8Array[]; readonly random: Random };

const splice = (bytes: Buffer, at: number, out: number, put: Uint8Array): Buffer =>
  Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + out)]);
const place = (bytes: Buffer, random: Random): number => below(random, bytes.length + 1);
const octet = (random: Random): Uint8Array => Uint8Array.of(below(random, 256));
const part = (bytes: Uint8Array, random: Random): Uint8Array => {
  const from = below(random, bytes.length + 1);
  return bytes.subarray(from, from + 1 + below(random, 16));
};

const MUTATIONS: readonly ((bytes: Buffer, means: Means) => Buffer)[] = [
  (bytes, { random }) => splice(bytes, place(bytes, random), 1, octet(random)),
  (bytes, { random }) => splice(bytes, place(bytes, random), 0, octet(random)),
  (bytes, { random }) => splice(bytes, place(bytes, random), 1 + below(random, 8), new Uint8Array(0)),
  (bytes, { words, random }) => splice(bytes, place(bytes, random), 0, words[below(random, words.length)]!),
  (bytes, { words, random }) =>
    splice(bytes, place(bytes, random), 1 + below(random, 12), words[below(random, words.length)]!),
  (bytes, { random }) => splice(bytes, place(bytes, random), 0, part(bytes, random)),
  (bytes, { other, random }) => splice(bytes, place(bytes, random), 0, part(other, random)),
  (bytes, { other, random }) =>
    Buffer.concat([bytes.subarray(0, place(bytes, random)), other.subarray(below(random, other.length + 1))]),
];
