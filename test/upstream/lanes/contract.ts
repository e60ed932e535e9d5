/**
 * What a broken or hostile OCS may answer, and what must become of it. Any engine of the lanes has to meet this table.
 * One thing no engine can tell: a well-formed answer nobody asked for that arrives behind a flawless positive one,
 * after the next request has left and before its own answer. That is why a connection belongs to one tenant.
 */
import { OK } from "../../kit/raw-ocs.ts";

/** What OCS does on the socket: it writes bytes, waits some milliseconds, or does a deed. */
export type Step = string | number | Deed;
/** Ends its side; drops TCP under TLS; resets; lets the second request be answered first. */
export type Deed = { readonly does: "end" | "drop" | "reset" | "second" };
export const END: Deed = { does: "end" };
export const DROP: Deed = { does: "drop" };
export const RESET: Deed = { does: "reset" };
export const SECOND: Deed = { does: "second" };

/** A status, or why there is none. */
export type Outcome = number | "malformed-response" | "connection-lost" | "no-answer";

export type Row = {
  readonly name: string;
  readonly steps: readonly Step[];
  /** POST unless said otherwise. */
  readonly method?: "GET" | "POST";
  readonly first: Outcome;
  readonly body?: string;
  /**
   * Whether the connection goes on: with the second request, and when all steps are done. `later`: what is wrong comes
   * only after the second.
   */
  readonly connection: "kept" | "dropped" | "later";
  /** The answer never ends by itself: the lane's deadline is short. */
  readonly deadline?: true;
  /** OCS answers the second request only after all steps of the first. */
  readonly inOrder?: boolean;
};

const answer = (status: string, headers: readonly string[], body = ""): string =>
  `HTTP/1.1 ${[status, "Server: OCS", ...headers].join("\r\n")}\r\n\r\n${body}`;
const sized = (status: string, body = "", length = body.length): string =>
  answer(status, [`Content-length: ${length}`], body);
const chunked = (status: string, chunks: string): string => answer(status, ["Transfer-encoding: chunked"], chunks);
/** Byte by byte; 0 is one turn of the event loop. */
export const drip = (text: string, ms: number): Step[] => text.split("").flatMap((each) => [each, ms]);
export const textOf = (steps: readonly Step[]): string =>
  steps.flatMap((step) => (typeof step === "string" ? [step] : [])).join("");

const JSON_BODY = '{"GSW_CM_MessageType":24}';
const HTML = "<HTML><body>410 Gone : 0 No call found for the record handle</body></HTML>";
/** The manual's own example: Content-length is the length of the sentence, not of the body. */
const MISFRAMED = `${answer("410 Gone", ["Warning: 112", "Content-type: text/html", "Content-length: 35"])}${HTML}`;
const GONE = sized("410 Gone", HTML);

export const WHOLE: readonly Row[] = [
  { name: "a positive answer", steps: [OK], first: 200, body: "", connection: "kept" },
  { name: "a positive answer, byte by byte", steps: drip(OK, 0), first: 200, connection: "kept" },
  { name: "a negative answer with a body", steps: [GONE], first: 410, body: HTML, connection: "kept" },
  {
    name: "a negative answer whose body comes later",
    steps: [GONE.slice(0, -20), 20, GONE.slice(-20)],
    first: 410,
    body: HTML,
    connection: "kept",
  },
  {
    name: "a status of a campaign group",
    method: "GET",
    steps: [sized("200 OK", JSON_BODY)],
    first: 200,
    body: JSON_BODY,
    connection: "kept",
  },
  {
    name: "a header block of nearly 16 KiB",
    steps: [answer("200 OK", [`X: ${"x".repeat(16_000)}`, "Content-length: 0"])],
    first: 200,
    connection: "kept",
  },
  {
    name: "an answer that says close",
    steps: [answer("200 OK", ["Connection: close", "Content-length: 0"])],
    first: 200,
    connection: "dropped",
  },
  { name: "an answer, then the end of the connection", steps: [OK, END], first: 200, connection: "dropped" },
];

export const SURPLUS: readonly Row[] = [
  { name: "a stray answer on the idle connection", steps: [OK, SECOND, OK], first: 200, connection: "later" },
  { name: "a stray byte on the idle connection", steps: [OK, SECOND, "H"], first: 200, connection: "later" },
  { name: "a stray answer glued to the answer", steps: [OK + GONE], first: 200, connection: "dropped", inOrder: true },
  { name: "the same answer twice", steps: [OK + OK], first: 200, connection: "dropped", inOrder: true },
  {
    name: "the same answer twice, the second with the next packet",
    steps: [OK, 0, OK],
    first: 200,
    connection: "dropped",
    inOrder: true,
  },
  { name: "a blank line glued to the answer", steps: [`${OK}\r\n`], first: 200, connection: "dropped", inOrder: true },
  {
    name: "a single line feed glued to the answer",
    steps: [`${OK}\n`],
    first: 200,
    connection: "dropped",
    inOrder: true,
  },
  {
    name: "a blank line in quarantine",
    steps: [GONE, 10, "\r\n"],
    first: 410,
    body: HTML,
    connection: "dropped",
    inOrder: true,
  },
  {
    name: "an answer in quarantine",
    steps: [GONE, 10, OK],
    first: 410,
    body: HTML,
    connection: "dropped",
    inOrder: true,
  },
  {
    name: "half an answer in quarantine",
    steps: [GONE, 20, "HTTP/1.1 4"],
    first: 410,
    body: HTML,
    connection: "dropped",
    inOrder: true,
  },
  { name: "a blank line before the answer", steps: [`\r\n${OK}`], first: "malformed-response", connection: "dropped" },
  { name: "bytes before the answer", steps: [`x${OK}`], first: "malformed-response", connection: "dropped" },
];

export const LENGTHS: readonly Row[] = [
  {
    name: "the manual's mis-framed 410",
    steps: [MISFRAMED],
    first: 410,
    body: HTML.slice(0, 35),
    connection: "dropped",
    inOrder: true,
  },
  {
    name: "the manual's mis-framed 410 with a late tail",
    steps: [MISFRAMED.slice(0, -39), 10, MISFRAMED.slice(-39)],
    first: 410,
    body: HTML.slice(0, 35),
    connection: "dropped",
    inOrder: true,
  },
  {
    name: "the manual's mis-framed 410 to a GET",
    method: "GET",
    steps: [MISFRAMED],
    first: 410,
    connection: "dropped",
    inOrder: true,
  },
  {
    name: "a short negative body, then the end",
    steps: [sized("409 Conflict", "short", 50), END],
    first: 409,
    body: "short",
    connection: "dropped",
  },
  {
    name: "a short negative body, then a reset",
    steps: [sized("409 Conflict", "short", 50), 10, RESET],
    first: 409,
    body: "short",
    connection: "dropped",
  },
  {
    name: "a short negative body, then silence",
    steps: [sized("409 Conflict", "short", 50)],
    first: 409,
    body: "short",
    connection: "dropped",
    deadline: true,
  },
  {
    name: "a short positive body of a GET, then the end",
    method: "GET",
    steps: [sized("200 OK", JSON_BODY, 50), END],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "a short positive body of a GET, then silence",
    method: "GET",
    steps: [sized("200 OK", JSON_BODY, 50)],
    first: "no-answer",
    connection: "dropped",
    deadline: true,
  },
  {
    name: "a short positive body of a GET, then TCP dropped",
    method: "GET",
    steps: [sized("200 OK", JSON_BODY, 50), 10, DROP],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "a body where a positive answer has none",
    steps: [sized("200 OK", "{}")],
    first: 200,
    connection: "dropped",
    inOrder: true,
  },
  {
    name: "a positive length without its body",
    steps: [sized("200 OK", "", 2)],
    first: 200,
    connection: "dropped",
    deadline: true,
  },
  { name: "no length, then the end", steps: [answer("200 OK", []), END], first: 200, connection: "dropped" },
  {
    name: "no length, kept open",
    steps: [answer("410 Gone", [], HTML)],
    first: 410,
    body: HTML,
    connection: "dropped",
    deadline: true,
  },
  {
    name: "no length to a GET, then the end",
    method: "GET",
    steps: [answer("200 OK", [], JSON_BODY), END],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "no length to a GET, then TCP dropped",
    method: "GET",
    steps: [answer("200 OK", [], JSON_BODY), 10, DROP],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "two lengths that differ",
    steps: [answer("200 OK", ["Content-length: 0", "Content-length: 5"])],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "two lengths that agree",
    steps: [answer("200 OK", ["Content-length: 0", "Content-length: 0"])],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "a list of lengths",
    steps: [answer("200 OK", ["Content-length: 0, 0"])],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "a negative length",
    steps: [answer("200 OK", ["Content-length: -1"])],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "a hexadecimal length",
    steps: [answer("200 OK", ["Content-length: 0x0"])],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "a length beyond any number",
    steps: [answer("200 OK", [`Content-length: ${"9".repeat(30)}`])],
    first: "malformed-response",
    connection: "dropped",
  },
];

export const CHUNKS: readonly Row[] = [
  {
    name: "a chunked status of a campaign group",
    method: "GET",
    steps: [chunked("200 OK", `19\r\n${JSON_BODY}\r\n0\r\n\r\n`)],
    first: 200,
    body: JSON_BODY,
    connection: "dropped",
  },
  {
    name: "a chunked negative answer",
    steps: [chunked("410 Gone", "4\r\nGone\r\n0\r\n\r\n")],
    first: 410,
    body: "Gone",
    connection: "dropped",
  },
  {
    name: "a chunked answer with trailers",
    steps: [chunked("410 Gone", "4\r\nGone\r\n0\r\nWarning: 5\r\n\r\n")],
    first: 410,
    body: "Gone",
    connection: "dropped",
  },
  {
    name: "a broken chunk to a GET",
    method: "GET",
    steps: [chunked("200 OK", `xx\r\n${JSON_BODY}\r\n0\r\n\r\n`)],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "a broken chunk to a POST",
    steps: [chunked("410 Gone", "4\r\nGoneX\r\n0\r\n\r\n")],
    first: 410,
    connection: "dropped",
  },
  {
    name: "no last chunk, then the end",
    method: "GET",
    steps: [chunked("200 OK", `19\r\n${JSON_BODY}\r\n`), END],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "chunked twice to a GET",
    method: "GET",
    steps: [answer("200 OK", ["Transfer-encoding: chunked, chunked"], "0\r\n\r\n")],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "a length and chunks",
    steps: [answer("200 OK", ["Content-length: 4", "Transfer-encoding: chunked"], "0\r\n\r\n")],
    first: "malformed-response",
    connection: "dropped",
  },
];

const statusOnly = (text: string): Row => ({
  name: `status ${text}`,
  steps: [`HTTP/1.1 ${text}\r\nContent-length: 0\r\n\r\n`],
  first: "malformed-response",
  connection: "dropped",
});
const versionOnly = (text: string, first: Outcome = "malformed-response"): Row => ({
  name: `version ${text}`,
  steps: [`${text} 200 OK\r\nContent-length: 0\r\n\r\n`],
  first,
  connection: "dropped",
});

export const STATUSES: readonly Row[] = [
  ...[
    "099 Low",
    "99 Low",
    "0 None",
    "000 None",
    "999 High",
    "600 High",
    "1000 High",
    "-200 OK",
    "2OO OK",
    "201 Created",
    "206 Partial",
    "301 Moved",
    "302 Found",
    "307 Again",
  ].map(statusOnly),
  {
    name: "100 before the answer",
    steps: [`HTTP/1.1 100 Continue\r\n\r\n${OK}`],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "102 before the answer",
    steps: [`HTTP/1.1 102 Processing\r\n\r\n${OK}`],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "a flood of 103",
    steps: ["HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1000) + OK],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "101 and another protocol",
    steps: ["HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nPRI"],
    first: "malformed-response",
    connection: "dropped",
  },
  { name: "204", steps: ["HTTP/1.1 204 No content\r\n\r\n"], first: "malformed-response", connection: "dropped" },
  {
    name: "204 with bytes",
    steps: [sized("204 No content", "abc")],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "304 with bytes",
    method: "GET",
    steps: [sized("304 Not modified", "abc")],
    first: "malformed-response",
    connection: "dropped",
  },
  versionOnly("HTTP/1.0", 200),
  ...["HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTP/11.1", "RTSP/1.1", "ICE/1.1", "http/1.1", "SSH-2.0"].map((version) =>
    versionOnly(version),
  ),
];

export const HEADS: readonly Row[] = [
  {
    name: "a header block of 64 KiB",
    steps: [answer("200 OK", [`X: ${"x".repeat(65_536)}`, "Content-length: 0"])],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "10,000 header lines",
    steps: [answer("200 OK", [...Array.from({ length: 10_000 }, (_, index) => `X${index}: 1`), "Content-length: 0"])],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "10,000 empty header lines",
    steps: [answer("200 OK", [...Array.from({ length: 10_000 }, () => "x:"), "Content-length: 0"])],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "a flood of blank lines",
    steps: ["\r\n".repeat(50_000)],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "bare line feeds",
    steps: ["HTTP/1.1 200 OK\nContent-length: 0\n\n"],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "a bare carriage return",
    steps: ["HTTP/1.1 200 OK\r\nWarning: 1\rContent-length: 0\r\n\r\n"],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "a folded header",
    steps: ["HTTP/1.1 200 OK\r\nContent-length: 0\r\nWarning: 1\r\n 2\r\n\r\n"],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "a folded length",
    steps: ["HTTP/1.1 200 OK\r\nContent-length:\r\n 0\r\n\r\n"],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "NUL in a header's value",
    steps: [answer("200 OK", ["Warning: 1\0", "Content-length: 0"])],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "NUL in a header's name",
    steps: [answer("200 OK", ["Warn\0ing: 1", "Content-length: 0"])],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "NUL in the status line",
    steps: ["HTTP/1.1 200 O\0K\r\nContent-length: 0\r\n\r\n"],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "a space before the colon",
    steps: [answer("200 OK", ["Content-length : 0"])],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "a header without a colon",
    steps: [answer("200 OK", ["Warning", "Content-length: 0"])],
    first: "malformed-response",
    connection: "dropped",
  },
];

export const ENDINGS: readonly Row[] = [
  { name: "a reset", steps: [RESET], first: "connection-lost", connection: "dropped" },
  { name: "TCP dropped before any answer", steps: [DROP], first: "connection-lost", connection: "dropped" },
  { name: "the end before any answer", steps: [END], first: "connection-lost", connection: "dropped" },
  {
    name: "the end in the status line",
    steps: ["HTTP/1.1 20", END],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "the end in the header block",
    steps: ["HTTP/1.1 200 OK\r\nContent-le", END],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "TCP dropped in the header block",
    steps: ["HTTP/1.1 200 OK\r\nContent-le", 10, DROP],
    first: "malformed-response",
    connection: "dropped",
  },
  {
    name: "TCP dropped in the body of a negative answer",
    steps: [sized("409 Conflict", "short", 50), 10, DROP],
    first: 409,
    body: "short",
    connection: "dropped",
  },
  { name: "silence", steps: [], first: "no-answer", connection: "dropped", deadline: true },
  {
    name: "a header block slower than the deadline",
    steps: drip(OK.slice(0, 30), 30),
    first: "no-answer",
    connection: "dropped",
    deadline: true,
  },
  {
    name: "a body slower than the deadline",
    steps: [GONE.slice(0, -30), ...drip(GONE.slice(-30), 30)],
    first: 410,
    connection: "dropped",
    deadline: true,
  },
  {
    name: "a whole answer after the deadline",
    steps: [350, OK],
    first: "no-answer",
    connection: "dropped",
    deadline: true,
  },
];

/** The baselines' own twenty answers, rebuilt from their names; the file holds no bytes of them. */
export const BASELINE: readonly { readonly id: string; readonly steps: readonly Step[] }[] = [
  { id: "extra:two-responses-one-write", steps: [sized("200 OK", "A") + sized("200 OK", "B")] },
  { id: "extra:extra-bytes-after-CL", steps: [`${sized("200 OK")}EXTRA`] },
  { id: "extra:late-second-response", steps: [sized("200 OK"), sized("410 Gone", "late")] },
  { id: "extra:CL-too-long", steps: [sized("200 OK", "short", 100)] },
  { id: "extra:CL+TE", steps: [answer("200 OK", ["Content-Length: 5", "Transfer-Encoding: chunked"], "0\r\n\r\n")] },
  { id: "extra:dup-CL-differs", steps: [answer("200 OK", ["Content-Length: 0", "Content-Length: 5"], "hello")] },
  { id: "extra:dup-CL-same", steps: [answer("200 OK", ["Content-Length: 5", "Content-Length: 5"], "hello")] },
  { id: "extra:no-CL-keepalive", steps: [answer("200 OK", ["Connection: keep-alive"], "body")] },
  { id: "extra:204-with-body", steps: [sized("204 No Content", "body")] },
  { id: "extra:304-with-body", steps: [sized("304 Not Modified", "body")] },
  { id: "extra:100-then-200", steps: [`HTTP/1.1 100 Continue\r\n\r\n${sized("200 OK")}`] },
  { id: "extra:101", steps: ["HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"] },
  { id: "extra:103-flood", steps: ["HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(200) + sized("200 OK")] },
  { id: "extra:http10", steps: ["HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"] },
  { id: "extra:bare-LF", steps: ["HTTP/1.1 200 OK\nContent-Length: 0\n\n"] },
  { id: "extra:huge-headers", steps: [answer("200 OK", [`X-Huge: ${"h".repeat(100_000)}`, "Content-Length: 0"])] },
  { id: "extra:status-999", steps: [sized("999 Strange")] },
  { id: "extra:0CS-typo-status-text", steps: [sized("200 0K")] },
  { id: "extra:neg-CL", steps: [answer("200 OK", ["Content-Length: -5"])] },
  { id: "extra:nothing-then-FIN", steps: [END] },
];

/** What bytes alone say, told without any engine. `surplus` begins behind what a Content-length announces. */
export type Reading = {
  readonly status: number | undefined;
  readonly flawless: boolean;
  readonly surplus: number | undefined;
};

export const readAnswer = (raw: string, method: "GET" | "POST"): Reading => {
  const status = Number(/^(?:\r\n)*HTTP\/1\.[01] (\d{3})(?= |\r\n)/.exec(raw)?.[1]) || undefined;
  const end = raw.indexOf("\r\n\r\n") + 4;
  const lines = raw
    .slice(0, Math.max(0, end - 4))
    .split("\r\n")
    .slice(1);
  const lengths = lines.flatMap((line) => /^content-length: *(\d+) *$/i.exec(line)?.[1] ?? []);
  const surplus = end > 3 && lengths.length === 1 ? end + Number(lengths[0]) : undefined;
  const ours =
    status === 200 ? method === "GET" || surplus === end : status !== undefined && status >= 400 && status < 600;
  const plain = lines.every(
    (line) => /^[\w-]+: *[\t -~]*$/.test(line) && !/^(connection: *close|transfer-encoding:)/i.test(line),
  );
  return {
    status,
    flawless: raw.startsWith("HTTP/1.1 ") && end <= 16_384 && ours && plain && surplus === raw.length,
    surplus,
  };
};
