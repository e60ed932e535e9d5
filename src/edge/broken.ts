/** Bytes of which Node's parser made no request: whether anything was asked at all, and what is wrong with it. */
import type { Socket } from "node:net";
import type { Fault } from "../message.ts";

/** Bytes of a header block, the request line with it. */
export const MAX_HEAD = 16_384;

/** Not a reset, a failed handshake, or the silence of a client that never sent a byte: nothing was asked, so nothing is answered. */
export const isAboutRequest = ({ code = "" }: NodeJS.ErrnoException, socket: Socket): boolean =>
  code.startsWith("HPE_") || (code === "ERR_HTTP_REQUEST_TIMEOUT" && socket.bytesRead > 0);

export const faultOf = ({ code }: NodeJS.ErrnoException, busy: boolean): Fault => {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return { kind: "head-too-large", detail: `the header block is larger than ${MAX_HEAD} bytes` };
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return { kind: "body-too-large", detail: "chunk extensions" };
    case "HPE_INVALID_CONTENT_LENGTH":
      return { kind: "wrong-length", detail: "Content-Length is not a whole number" };
    case "HPE_INVALID_EOF_STATE":
      return { kind: "wrong-length", detail: "the connection ended before the request did" };
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return busy ? { kind: "wrong-length", detail: "the body did not arrive whole in time" } : { kind: "ambiguous", detail: "the request did not arrive in time" };
    default:
      return { kind: "ambiguous", detail: "the bytes are not one HTTP/1.1 request" };
  }
};
