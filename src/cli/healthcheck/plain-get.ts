/** One GET over plain HTTP. Node's HTTP client takes longer to load than the rest of the health check. */
import { connect } from "node:net";

const TIMEOUT_MS = 3000;
const STATUS = /^HTTP\/1\.1 (\d{3}) /;
const HEAD_END = "\r\n\r\n";

export type Got = { readonly status: number; readonly body: string };

/** `url`: http://host:port. Without an answer rejects within 3 s; `code` of the error gives the reason. */
export const plainGet = (url: string, path: string): Promise<Got> =>
  new Promise((resolve, reject) => {
    const { hostname, port, host } = new URL(url);
    const chunks: Buffer[] = [];
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 80) });
    const timer = setTimeout(() => socket.destroy(noAnswer("ETIMEDOUT")), TIMEOUT_MS);
    const end = (): void => {
      const got = answerIn(Buffer.concat(chunks).toString());
      if (got) resolve(got);
      else socket.destroy(noAnswer("ECONNRESET"));
    };
    socket
      .on("data", (chunk: Buffer) => chunks.push(chunk))
      .once("end", end)
      .once("error", reject)
      .once("close", () => clearTimeout(timer));
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close${HEAD_END}`);
  });

const noAnswer = (code: string): Error => Object.assign(new Error("no answer"), { code });

/** Undefined for a truncated answer. */
const answerIn = (text: string): Got | undefined => {
  const end = text.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const [status, body] = [Number(STATUS.exec(text)?.[1] ?? 0), text.slice(end + HEAD_END.length)];
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1];
  return length === undefined || Buffer.byteLength(body) >= Number(length) ? { status, body } : undefined;
};
