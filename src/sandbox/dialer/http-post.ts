/** OCS as an HTTP client: posts JSON over persistent connections, one request at a time on each. */
import { Agent as HttpAgent, request as requestHttp, type ClientRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";

export type PostAnswer = { readonly status: number; readonly body: string };

/** No complete answer: the server is unreachable, the request timed out, or the connection broke. */
export class NoAnswer extends Error {
  readonly how: "unreachable" | "timeout" | "broken";
  constructor(how: NoAnswer["how"], message: string) {
    super(message);
    this.name = "NoAnswer";
    this.how = how;
  }
}

export type Poster = {
  /** `timeout`: milliseconds until the complete answer. Rejects with NoAnswer. */
  readonly post: (url: string, value: object, timeout: number) => Promise<PostAnswer>;
  /** Closes all connections; requests in progress reject with NoAnswer. */
  readonly close: () => void;
};

export type PosterOptions = {
  /** Maximum number of connections to one address. */
  readonly poolSize: number;
  /** PEM of the CAs for https URLs. */
  readonly ca?: string | undefined;
  /** The local address of connections; undefined: the operating system chooses. */
  readonly from?: (() => string | undefined) | undefined;
};

const MAX_ANSWER = 65_536;

export const createPoster = ({ poolSize, ca, from }: PosterOptions): Poster => {
  const kept = { keepAlive: true, maxSockets: poolSize };
  const http = new HttpAgent(kept);
  const https = new HttpsAgent({ ...kept, ...(ca !== undefined && { ca }) });
  const under = new Set<ClientRequest>();
  const begin = (url: string, body: string): ClientRequest => {
    const localAddress = from?.();
    const options = {
      method: "POST",
      ...(localAddress !== undefined && { localAddress }),
      headers: { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) },
    };
    const request = url.startsWith("https:")
      ? requestHttps(url, { ...options, agent: https })
      : requestHttp(url, { ...options, agent: http });
    under.add(request.on("close", () => under.delete(request)));
    return request;
  };
  const post: Poster["post"] = async (url, value, timeout) => {
    const body = JSON.stringify(value);
    const deadline = Date.now() + timeout;
    const first = begin(url, body);
    try {
      return await exchange(first, body, timeout);
    } catch (error) {
      // The server had just closed a reused connection. HTTP clients retry in this case only.
      if (!first.reusedSocket || !(error instanceof NoAnswer) || error.how !== "broken") throw error;
      return exchange(begin(url, body), body, Math.max(1, deadline - Date.now()));
    }
  };
  return {
    post,
    close: () => {
      for (const request of under) request.destroy();
      http.destroy();
      https.destroy();
    },
  };
};

const exchange = (request: ClientRequest, body: string, timeout: number): Promise<PostAnswer> =>
  new Promise((resolve, reject) => {
    const late = setTimeout(
      () => request.destroy(new NoAnswer("timeout", `no answer within ${timeout} ms`)),
      timeout,
    ).unref();
    request.on("close", () => {
      clearTimeout(late);
    });
    request.on("error", (error: NodeJS.ErrnoException) => {
      reject(error instanceof NoAnswer ? error : lost(error));
    });
    request.on("response", (response) => {
      wholeOf(response).then(resolve, reject);
    });
    request.end(body);
  });

const UNREACHABLE = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT"]);

const lost = ({ code = "", message }: NodeJS.ErrnoException): NoAnswer =>
  new NoAnswer(UNREACHABLE.has(code) ? "unreachable" : "broken", code || message);

const wholeOf = async (response: IncomingMessage): Promise<PostAnswer> => {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > MAX_ANSWER) throw new NoAnswer("broken", `an answer of more than ${MAX_ANSWER} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof NoAnswer ? error : lost(error as NodeJS.ErrnoException);
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") };
};
