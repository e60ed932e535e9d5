/** Interprets errors of Node's HTTP parser: whether the client has sent a request, and what is wrong with it. */
import type { Socket } from "node:net";
import type { Fault } from "../common/message.ts";

/** Maximum bytes of request line and header block: the largest token (16 KiB) and 8 KiB for the rest. */
export const MAX_HEAD = 24_576;

/** False for a reset, a failed handshake and a client that never sent a byte: there is no request to reply to. */
export const isAboutRequest = ({ code = "" }: NodeJS.ErrnoException, socket: Socket): boolean =>
  code.startsWith("HPE_") || (code === "ERR_HTTP_REQUEST_TIMEOUT" && socket.bytesRead > 0);

/** `rawPacket`: the bytes in which the parser found the error. */
type ParseError = NodeJS.ErrnoException & { readonly rawPacket?: Buffer; readonly bytesParsed?: number };

/** The name of the header in which the parser stopped; undefined when it came in an earlier packet. */
const headerAt = ({ rawPacket, bytesParsed = 0 }: ParseError): string | undefined => {
  if (!rawPacket) return undefined;
  const start = rawPacket.lastIndexOf("\n", Math.max(0, bytesParsed - 1)) + 1;
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}(?=:)/.exec(rawPacket.toString("latin1", start, start + 80))?.[0];
};

export const faultOf = (error: ParseError, busy: boolean): Fault => {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return { kind: "head-too-large", detail: `the header block is larger than ${MAX_HEAD} bytes` };
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return { kind: "body-too-large", detail: "the chunk extensions are too large" };
    case "HPE_INVALID_CONTENT_LENGTH":
      return { kind: "wrong-length", detail: "Content-Length is not a whole number" };
    case "HPE_INVALID_HEADER_TOKEN": {
      const name = headerAt(error);
      return {
        kind: "ambiguous",
        detail: `${name === undefined ? "a header" : `the header ${name}`} has a character that HTTP does not allow`,
      };
    }
    case "HPE_INVALID_EOF_STATE":
      return { kind: "wrong-length", detail: "the connection closed before the request was complete" };
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return busy
        ? { kind: "wrong-length", detail: "the body did not arrive in time" }
        : { kind: "ambiguous", detail: "the request did not arrive in time" };
    default:
      return { kind: "ambiguous", detail: "the bytes are not a valid HTTP/1.1 request" };
  }
};
