/**
 * Chunked bodies that two parsers end in different places, by their eight names in the trade: who takes a line end
 * inside an extension for the end of the line (TERM, EXT), who reads on where a chunk is longer than it says (SPILL),
 * and who takes zero, one or two bytes for the end of a chunk without looking (ZERO, ONE, TWO). Each name with the
 * terminators that matter for it: 26 in all.
 */
import { basic } from "../kit/gateway.ts";
import { TARGET, latin1, secondRequest, type Payload } from "./payload.ts";

type Family = {
  readonly terminators: readonly string[];
  readonly body: (terminator: string, smuggled: string) => string;
};

const hex = (text: string): string => text.length.toString(16);
const LAST = "0\r\n\r\n";
const LINE_ENDS = ["\n", "\r", "\r\r", "\n\n"];

const FAMILIES: Readonly<Record<string, Family>> = {
  // The first parser sees an extension up to CRLF, and in it the start of a chunk; the second one ends the line at the
  // terminator.
  "TERM.EXT": {
    terminators: LINE_ENDS,
    body: (end, smuggled) => `2;${end}xx\r\n${hex(smuggled)}\r\n${LAST}${smuggled}`,
  },
  "EXT.TERM": {
    terminators: LINE_ENDS,
    body: (end, smuggled) => `2;${end}xx\r\n22\r\nc\r\n${LAST}${smuggled}\r\n${LAST}`,
  },
  // The chunk is followed by more than its end.
  "TERM.SPILL": {
    terminators: ["", "\n", "\r", "xx"],
    body: (end, smuggled) => `5\r\n{"A":${end}${hex(smuggled)}\r\n${LAST}${smuggled}`,
  },
  "SPILL.TERM": {
    terminators: ["", "\n", "\r", "xx"],
    body: (end, smuggled) => `5\r\n{"A":1}${end}\r\n1a\r\n${LAST}${smuggled}\r\n${LAST}`,
  },
  "ONE.TWO": { terminators: ["\n", "\r", "x"], body: (end, smuggled) => `2\r\n{}${end}12\r\nxx\r\n${LAST}${smuggled}` },
  "TWO.ONE": {
    terminators: ["\n", "\r", "x"],
    body: (end, smuggled) => `2\r\n{}\r${end}${hex(smuggled)}\r\n${smuggled}\r\n${LAST}`,
  },
  "ZERO.TWO": { terminators: ["", "0"], body: (end, smuggled) => `2\r\n{}${end}012\r\nxx\r\n${LAST}${smuggled}` },
  "TWO.ZERO": { terminators: ["\r\n", "xx"], body: (end, smuggled) => `2\r\n{}${end}${end}${LAST}${smuggled}` },
};

export const chunkFamilies = (): Payload[] =>
  Object.entries(FAMILIES).flatMap(([name, { terminators, body }]) =>
    terminators.map((end): Payload => ({
      family: "chunks",
      id: `${name} ${JSON.stringify(end)}`,
      pieces: (handle) => [
        latin1(
          `POST ${TARGET(handle)} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: ` +
            `chunked\r\n\r\n${body(end, secondRequest(handle, basic("beta")))}`,
        ),
      ],
      allows: 0,
      refusedElsewhere: false,
    })),
  );
