/** One persistent connection to the server under test, one exchange at a time, as the manual's "Guidelines for Client Connections" want it. */
import { Agent as HttpAgent, request as requestHttp, type IncomingMessage, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { Socket } from "node:net";
import type { HeaderLine } from "../../message.ts";

export type Answer = { readonly status: number; readonly headers: readonly HeaderLine[]; readonly body: string };

export type Question = {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly HeaderLine[];
  readonly body: string;
};

export type Connection = {
  /** Rejects when no whole answer came. */
  readonly ask: (question: Question) => Promise<Answer>;
  /** How many connections it took so far. */
  readonly opened: () => number;
  readonly close: () => void;
};

const PATIENCE_MS = 30_000;

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
      request.setTimeout(PATIENCE_MS, () => request.destroy(new Error(`no answer within ${PATIENCE_MS / 1000} s`)));
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
