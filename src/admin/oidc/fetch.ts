/**
 * Requests to an OpenID provider: its certificate is checked with the CA of the config, redirects are not followed, and
 * only so much of an answer is read. As with the built-in fetch, NODE_USE_ENV_PROXY=1 makes it use the proxy of the
 * environment.
 */
import { request as requestHttp } from "node:http";
import { Agent, request as requestHttps } from "node:https";

type Asked = {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
};

export type Fetch = (url: string, asked: Asked) => Promise<Response>;

/** The provider could not be asked; the cause is the reason. */
export class NoAnswer extends Error {}

const MOST_BYTES = 512 * 1024;

/** `ca`: PEM; undefined for the authorities that Node knows. */
export const createFetch = (ca: string | undefined): Fetch => {
  const agent = ca === undefined ? undefined : new Agent({ ca, ...throughProxy() });
  return (url, { method, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const fail = (cause: unknown): void => reject(new NoAnswer("no answer", { cause }));
      const isTls = new URL(url).protocol === "https:";
      const request = (isTls ? requestHttps : requestHttp)(url, {
        method,
        headers: { ...headers },
        ...(signal && { signal }),
        ...(isTls && agent && { agent }),
      });
      request.on("error", fail);
      request.on("response", (answer) => {
        const chunks: Buffer[] = [];
        let size = 0;
        answer.on("error", fail);
        answer.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size <= MOST_BYTES) return void chunks.push(chunk);
          fail(new Error(`the answer has more than ${MOST_BYTES} bytes`));
          request.destroy();
        });
        answer.on("end", () => {
          const status = answer.statusCode ?? 0;
          if (status < 200 || status > 599) return fail(new Error(`the answer has status ${status}`));
          const isEmpty = [204, 205, 304].includes(status);
          resolve(
            new Response(isEmpty ? null : Buffer.concat(chunks), { status, headers: headersOf(answer.rawHeaders) }),
          );
        });
      });
      request.end(body instanceof URLSearchParams || typeof body === "string" ? String(body) : undefined);
    });
};

const throughProxy = (): object => (process.env["NODE_USE_ENV_PROXY"] === "1" ? { proxyEnv: process.env } : {});

const headersOf = (raw: readonly string[]): Headers => {
  const headers = new Headers();
  for (let at = 0; at + 1 < raw.length; at += 2) headers.append(raw[at]!, raw[at + 1]!);
  return headers;
};
