/** Bytes of which Node's parser made no request: whether anything was asked at all, and what is wrong with it. */
import type { Socket } from "node:net";
import type { Fault } from "../message.ts";

/** Bytes of a header block, the request line with it: a token of the largest size, and 8 KiB of all else. */
export const MAX_HEAD = 24_576;

/** Not a reset, a failed handshake, or the silence of a client that never sent a byte: nothing was asked, so nothing is answered. */
export const isAboutRequest = ({ code = "" }: NodeJS.ErrnoException, socket: Socket): boolean =>
  code.startsWith("HPE_") || (code === "ERR_HTTP_REQUEST_TIMEOUT" && socket.bytesRead > 0);

/** What Node tells of bytes that its parser stopped at. */
type ParseError = NodeJS.ErrnoException & { readonly rawPacket?: Buffer; readonly bytesParsed?: number };

/** The name of the header in which the parser stopped, where it stands in the same packet. */
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
      return { kind: "body-too-large", detail: "chunk extensions" };
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
      return { kind: "wrong-length", detail: "the connection ended before the request did" };
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return busy
        ? { kind: "wrong-length", detail: "the body did not arrive whole in time" }
        : { kind: "ambiguous", detail: "the request did not arrive in time" };
    default:
      return { kind: "ambiguous", detail: "the bytes are not one HTTP/1.1 request" };
  }
};
