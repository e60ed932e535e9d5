/** A parser of RFC 5424 that accepts nothing else, and of octet counting (RFC 6587, RFC 5425). */

export type Parsed = {
  readonly facility: number;
  readonly severity: number;
  readonly time: string;
  readonly host: string;
  readonly app: string;
  readonly process: string;
  readonly id: string;
  /** Parameters by SD-ID. */
  readonly elements: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly text: string;
};

const TIME = String.raw`\d{4}-(?:0\d|1[0-2])-[0-3]\d[T](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?Z`;
const HEADER = new RegExp(
  String.raw`^<(0|[1-9]\d{0,2})>1 (${TIME}) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) `,
);
const NAME = /^[!#-<>-\\^-~]{1,32}/;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const parseSyslog = (bytes: Buffer): Parsed => {
  const latin = bytes.toString("latin1");
  const header = HEADER.exec(latin);
  if (!header) throw new Error(`not a header: ${latin.slice(0, 120)}`);
  const [all, priority, time, host, app, process, id] = header as unknown as string[];
  if (Number(priority) > 191) throw new Error(`no such priority: ${priority}`);
  let at = all!.length;
  const elements = new Map<string, ReadonlyMap<string, string>>();
  if (latin[at] === "-") at++;
  else
    while (latin[at] === "[") {
      const [element, end] = elementAt(latin, at);
      if (elements.has(element.id)) throw new Error(`${element.id} twice`);
      elements.set(element.id, element.params);
      at = end;
    }
  const rest = bytes.subarray(at);
  if (rest.length > 0 && rest[0] !== 0x20) throw new Error(`no space before the text: ${latin.slice(at, at + 60)}`);
  return {
    facility: Math.floor(Number(priority) / 8),
    severity: Number(priority) % 8,
    time: time!,
    host: host!,
    app: app!,
    process: process!,
    id: id!,
    elements,
    text: textOf(rest.subarray(1)),
  };
};

const elementAt = (
  latin: string,
  start: number,
): readonly [{ readonly id: string; readonly params: ReadonlyMap<string, string> }, number] => {
  const id = NAME.exec(latin.slice(start + 1))?.[0];
  if (id === undefined) throw new Error("no SD-ID");
  if (!/^[^@]+@\d+(?:\.\d+)*$/.test(id)) throw new Error(`${id} is neither registered nor has an enterprise number`);
  let at = start + 1 + id.length;
  const params = new Map<string, string>();
  while (latin[at] === " ") {
    const name = NAME.exec(latin.slice(at + 1))?.[0];
    if (name === undefined || !latin.startsWith('="', at + 1 + name.length)) throw new Error("no PARAM-NAME");
    at += name.length + 3;
    let value = "";
    for (; latin[at] !== '"'; at++) {
      if (latin[at] === "]" || latin[at] === undefined) throw new Error(`not escaped in ${name}`);
      if (latin[at] === "\\" && ['"', "\\", "]"].includes(latin[at + 1] ?? "")) at++;
      value += latin[at];
    }
    at++;
    if (params.has(name)) throw new Error(`${name} twice`);
    params.set(name, utf8.decode(Buffer.from(value, "latin1")));
  }
  if (latin[at] !== "]") throw new Error(`no end of ${id}`);
  return [{ id, params }, at + 1];
};

/** MSG: UTF-8 after a byte order mark, or US-ASCII. */
const textOf = (bytes: Buffer): string => {
  if (bytes.subarray(0, 3).equals(BOM)) return utf8.decode(bytes.subarray(3));
  if (bytes.some((byte) => byte > 0x7e || (byte < 0x20 && byte !== 9))) throw new Error("neither ASCII nor UTF-8");
  return bytes.toString("latin1");
};

/** The messages of a stream, and the bytes of an incomplete one. */
export const splitCounted = (stream: Buffer): readonly [messages: readonly Buffer[], rest: Buffer] => {
  const messages: Buffer[] = [];
  let at = 0;
  for (;;) {
    const length = /^([1-9]\d{0,8}) /.exec(stream.toString("latin1", at, at + 12))?.[1];
    if (length === undefined) {
      if (at < stream.length && !/^[1-9]\d{0,8}$/.test(stream.toString("latin1", at, at + 12)))
        throw new Error(`not a length: ${stream.toString("latin1", at, at + 40)}`);
      return [messages, stream.subarray(at)];
    }
    const start = at + length.length + 1;
    if (start + Number(length) > stream.length) return [messages, stream.subarray(at)];
    messages.push(stream.subarray(start, start + Number(length)));
    at = start + Number(length);
  }
};
