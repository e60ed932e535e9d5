/**
 * Header lines that hide or malform Transfer-Encoding or Content-Length, each in five requests: in four of them one
 * server may see two requests where another sees one (CL.TE, TE.CL, CL.0, 0.CL); the fifth carries one good request, if
 * the line is but a spelling.
 */
import { basic } from "../kit/gateway.ts";
import { corpus } from "../ocs/corpus.ts";
import { passesElsewhere } from "./other-proxies.ts";
import { TARGET, latin1, secondRequest, type Payload } from "./payload.ts";

type Gadget = {
  readonly name: string;
  readonly target: "Transfer-Encoding" | "Content-Length";
  readonly header_b64: string;
  readonly dup: boolean;
};
type Shape = (
  header: (length: number) => string,
  handle: number,
) => { readonly lines: readonly string[]; readonly body: string };

const smuggled = (handle: number): string => secondRequest(handle, basic("beta"));
const chunked = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
const JSON_BODY = '{"NOTE":"one request"}';

const CODING: Readonly<Record<string, Shape>> = {
  "CL.TE": (header, handle) => withLength(header(0), `0\r\n\r\n${smuggled(handle)}`),
  "TE.CL": (header, handle) => {
    const body = chunked(smuggled(handle));
    return { lines: [header(0), `Content-Length: ${body.indexOf("\r\n") + 2}`], body };
  },
  "CL.0": (header, handle) => withLength(header(0), smuggled(handle)),
  "TE.0": (header, handle) => ({ lines: [header(0)], body: chunked(smuggled(handle)) }),
  one: (header) => ({ lines: [header(0)], body: chunked(JSON_BODY) }),
};

const LENGTH: Readonly<Record<string, Shape>> = {
  "CL.TE": (header, handle) => {
    const body = `0\r\n\r\n${smuggled(handle)}`;
    return { lines: [header(body.length), "Transfer-Encoding: chunked"], body };
  },
  "TE.CL": (header, handle) => {
    const body = chunked(smuggled(handle));
    return { lines: ["Transfer-Encoding: chunked", header(body.indexOf("\r\n") + 2)], body };
  },
  "CL.0": (header, handle) => ({ lines: [header(smuggled(handle).length)], body: smuggled(handle) }),
  "0.CL": (header, handle) => ({
    lines: ["Content-Length: 0", header(smuggled(handle).length)],
    body: smuggled(handle),
  }),
  one: (header) => ({ lines: [header(JSON_BODY.length)], body: JSON_BODY }),
};

const withLength = (line: string, body: string): ReturnType<Shape> => ({
  lines: [`Content-Length: ${body.length}`, line],
  body,
});

const payload = (gadget: Gadget, [name, shape]: readonly [string, Shape], refusedElsewhere: boolean): Payload => {
  const text = lineOf(gadget);
  return {
    family: "gadgets",
    id: `${gadget.target} ${name} ${gadget.name}`,
    pieces: (handle) => {
      const { lines, body } = shape((length) => text.replaceAll("{N}", String(length)), handle);
      return [latin1([`POST ${TARGET(handle)} HTTP/1.1`, "Host: localhost", ...lines, "", body].join("\r\n"))];
    },
    allows: name === "one" ? 1 : 0,
    refusedElsewhere,
  };
};

export const gadgets = (): Payload[] => {
  const rows = corpus("smuggling-gadgets")
    .lines("gadgets.jsonl")
    .map((line) => JSON.parse(line) as Gadget)
    .filter(({ dup }) => !dup);
  const passes = {
    "Transfer-Encoding": passesElsewhere("gadgets TE+CL"),
    "Content-Length": passesElsewhere("gadgets CL"),
  };
  return rows.flatMap((gadget) =>
    Object.entries(gadget.target === "Content-Length" ? LENGTH : CODING).map((shape) =>
      payload(gadget, shape, wasMeasured(gadget, shape[0]) && !passes[gadget.target](gadget.name)),
    ),
  );
};

/**
 * Transfer-Encoding was measured beside a Content-Length alone. And nginx takes no tab for a blank, which RFC 9110
 * (5.5) says it is.
 */
const wasMeasured = (gadget: Gadget, shape: string): boolean =>
  gadget.target === "Content-Length" ? !isTabbed(lineOf(gadget)) : shape === "CL.TE";

const lineOf = ({ header_b64 }: Gadget): string => Buffer.from(header_b64, "base64").toString("latin1");

/** The true field with a tab for a blank, and nothing else odd. */
export const isTabbed = (line: string): boolean =>
  /^(?:Transfer-Encoding|Content-Length):[ \t]*(?:chunked|\{N\}|\d+)[ \t]*$/i.test(line) && line.includes("\t");
