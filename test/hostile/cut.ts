/** In which pieces bytes are written: a parser must not care. */
import { below } from "../faults/random.ts";

export const CUTS = ["whole", "bytes", "lines", "random-1", "random-2", "random-3"] as const;
export type Cut = (typeof CUTS)[number];

export const cutUp = (pieces: readonly Buffer[], cut: Cut, random: () => number): readonly Buffer[] => {
  if (cut === "whole") return pieces;
  return pieces.flatMap((piece) =>
    split(piece, cut === "bytes" ? everywhere(piece) : cut === "lines" ? behindLines(piece) : somewhere(piece, random)),
  );
};

const everywhere = (piece: Buffer): number[] =>
  Array.from({ length: Math.max(piece.length - 1, 0) }, (_, at) => at + 1);

/** Between CR and LF, and behind LF. */
const behindLines = (piece: Buffer): number[] =>
  [...piece.keys()]
    .flatMap((at) => (piece[at] === 0x0a ? [at, at + 1] : []))
    .filter((at) => at > 0 && at < piece.length);

const somewhere = (piece: Buffer, random: () => number): number[] =>
  [...new Set(Array.from({ length: 3 }, () => 1 + below(random, Math.max(piece.length - 1, 1))))]
    .filter((at) => at < piece.length)
    .sort((a, b) => a - b);

const split = (piece: Buffer, places: readonly number[]): Buffer[] => {
  const cuts = [0, ...new Set(places), piece.length];
  return cuts
    .slice(1)
    .map((end, at) => piece.subarray(cuts[at], end))
    .filter(({ length }) => length > 0);
};
