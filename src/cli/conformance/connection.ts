/**
 * One persistent connection to the server under test, with one exchange at a time, as the manual's "Guidelines for
 * Client Connections" require.
 */
import { Agent as HttpAgent, request as requestHttp, type IncomingMessage, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { Socket } from "node:net";
import type { HeaderLine } from "../../common/message.ts";

export type Answer = { readonly status: number; readonly headers: readonly HeaderLine[]; readonly body: string };

export type Question = {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly HeaderLine[];
  readonly body: string;
};

export type Connection = {
  /** Rejects without a complete answer. */
  readonly ask: (question: Question) => Promise<Answer>;
  /** The number of connections opened so far. */
  readonly opened: () => number;
  readonly close: () => void;
};

const TIMEOUT_MS = 30_000;

/** `ca`: certificates in PEM that replace the default ones. */
export const connect = (url: URL, ca: string | undefined): Connection => {
  const secure = url.protocol === "https:";
  const options = { keepAlive: true, maxSockets: 1 };
  const agent = secure ? new HttpsAgent({ ...options, ...(ca !== undefined && { ca }) }) : new HttpAgent(options);
  const send = secure ? requestHttps : requestHttp;
  const sockets = new WeakSet<Socket>();
  let opened = 0;
  const ask = ({ method, target, headers, body }: Question): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const asked: RequestOptions = { method, path: target, agent, headers: Object.fromEntries(headers) };
      const request = send(url, asked, (answer) => {
        void collect(answer).then(resolve, reject);
      });
      request.on("socket", (socket) => {
        if (!sockets.has(socket)) opened++;
        sockets.add(socket);
      });
      request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
      request.on("error", reject);
      request.end(body);
    });
  return { ask, opened: () => opened, close: () => agent.destroy() };
};

const collect = async (answer: IncomingMessage): Promise<Answer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  const { rawHeaders } = answer;
  const headers = rawHeaders.flatMap((name, index): HeaderLine[] =>
    index % 2 === 0 ? [[name, rawHeaders[index + 1]!]] : [],
  );
  return { status: answer.statusCode!, headers, body: Buffer.concat(chunks).toString("utf8") };
};
