/** One HTTP request on loopback, and what came back: all of it, as text. */
import { Agent, request } from "node:http";

export type Sent = {
  readonly method: string;
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object | undefined;
};

/** `text`: status line, headers and body. */
export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly text: string;
};

const TIMEOUT_MS = 20_000;

/** Rejects when there is no answer. */
export type Exchange = (url: string, sent: Sent) => Promise<Answer>;

/** `close` ends its connections. */
export const createExchange = (): { readonly exchange: Exchange; readonly close: () => void } => {
  const agent = new Agent({ keepAlive: true });
  return { exchange: (url, sent) => send(agent, url, sent), close: () => agent.destroy() };
};

const send = (agent: Agent, url: string, { method, target, headers, body }: Sent): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const text = body === undefined ? "" : JSON.stringify(body);
    const { hostname, port } = new URL(url);
    const asked = request({
      agent,
      hostname,
      port,
      method,
      // Not a URL: that would change what the target says.
      path: target,
      timeout: TIMEOUT_MS,
      headers: {
        ...(method !== "GET" && { "Content-Length": Buffer.byteLength(text) }),
        ...(body !== undefined && { "Content-Type": "application/json" }),
        ...headers,
      },
    });
    asked.once("timeout", () => asked.destroy(new Error(`no answer to ${method} ${target} within ${TIMEOUT_MS} ms`)));
    asked.once("error", reject);
    asked.once("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () => {
        const received = Buffer.concat(chunks).toString("utf8");
        const lines = response.rawHeaders.flatMap((name, at, all) => (at % 2 === 0 ? [`${name}: ${all[at + 1]}`] : []));
        const status = response.statusCode!;
        resolve({
          status,
          headers: response.headers,
          body: received,
          text: [`HTTP/1.1 ${status} ${response.statusMessage}`, ...lines, "", received].join("\r\n"),
        });
      });
    });
    asked.end(text);
  });

/** A request as text, for a report: without credentials. */
export const requestText = ({ method, target, headers = {}, body }: Sent): string =>
  [
    `${method} ${target} HTTP/1.1`,
    ...Object.entries(headers)
      .filter(([name]) => !/^(?:authorization|cookie)$/i.test(name))
      .map(([name, value]) => `${name}: ${value}`),
    "",
    body === undefined ? "" : JSON.stringify(body),
  ].join("\r\n");
