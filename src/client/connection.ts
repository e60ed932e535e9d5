/**
 * One persistent connection, with one request at a time. It writes HTTP/1.1 itself, because a client of OCS must know
 * whether a request may have left, and must never send it twice: `fetch` of some runtimes sends a POST again when a
 * kept connection turns out to be closed.
 */
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { setImmediate } from "node:timers";
import { connect as connectTls } from "node:tls";
import { MalformedAnswer, ResponseReader, type Answer } from "./response-reader.ts";
import type { NetworkReason } from "./result.ts";

export type TlsOptions = {
  /** PEM of the CAs to trust instead of the runtime's own. */
  readonly ca?: string | readonly string[] | undefined;
  /** PEM of the client certificate with its chain, and of its private key. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly passphrase?: string | undefined;
  /** The name to check in the server's certificate, if it is not the host of `baseUrl`. */
  readonly serverName?: string | undefined;
};

export type ConnectionOptions = {
  readonly url: URL;
  readonly tls: TlsOptions;
  readonly connectTimeoutMs: number;
  /** A connection that was unused for longer is not used again. */
  readonly keepAliveMs: number;
};

export type Failure = {
  readonly failed: NetworkReason;
  /** True if OCS may have got the request. */
  readonly sent: boolean;
  readonly text: string;
};

type State =
  | { readonly name: "none" }
  | {
      readonly name: "idle";
      readonly socket: Socket;
      readonly until: number;
      readonly forget: () => void;
      readonly drop: () => void;
    }
  | { readonly name: "busy" };

export class Connection {
  readonly #options: ConnectionOptions;
  #state: State = { name: "none" };
  /** Of the last answer on this connection. */
  #lastId: string | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Sends the bytes of one whole request. `cancelled` may abort with a NetworkReason as its reason. Never rejects. */
  async exchange(request: Uint8Array, cancelled: AbortSignal): Promise<Answer | Failure> {
    if (this.#state.name === "idle") await readWhatCame();
    const kept = this.#take();
    if (!kept) this.#lastId = undefined;
    const opened = kept ?? (await this.#open(cancelled));
    if ("failed" in opened) return opened;
    this.#state = { name: "busy" };
    const outcome = this.#unlessRepeated(await this.#ask(opened, request, cancelled));
    if ("status" in outcome && outcome.keepsOpen && isOpen(opened)) this.#keep(opened, lifetimeOf(outcome));
    else {
      this.#state = { name: "none" };
      opened.destroy();
    }
    return outcome;
  }

  /** A request has one answer: one with the id of the answer before answers nothing. */
  #unlessRepeated(outcome: Answer | Failure): Answer | Failure {
    if ("failed" in outcome) return outcome;
    const id = outcome.headers.get("ocsgw-request-id");
    if (id !== undefined && id === this.#lastId)
      return { failed: "malformed-answer", sent: true, text: "the answer to the request before came twice" };
    this.#lastId = id;
    return outcome;
  }

  /** Ends an idle connection. */
  close(): void {
    if (this.#state.name !== "idle") return;
    this.#state.drop();
  }

  /** The kept connection, if the other side has not ended it. */
  #take(): Socket | undefined {
    if (this.#state.name !== "idle") return undefined;
    const { socket, until, forget, drop } = this.#state;
    if (performance.now() > until || !isOpen(socket)) {
      drop();
      return undefined;
    }
    forget();
    socket.ref();
    return socket;
  }

  /** While it is idle, an end or bytes that nobody asked for end it, and it does not keep the program running. */
  #keep(socket: Socket, lifetimeMs: number): void {
    const drop = (): void => {
      forget();
      this.#state = { name: "none" };
      socket.destroy();
    };
    const forget = listen(socket, { data: drop, end: drop, close: drop, error: drop });
    socket.unref();
    this.#state = {
      name: "idle",
      socket,
      until: performance.now() + Math.min(lifetimeMs, this.#options.keepAliveMs),
      forget,
      drop,
    };
  }

  #open(cancelled: AbortSignal): Promise<Socket | Failure> {
    const { url, tls, connectTimeoutMs } = this.#options;
    const secure = url.protocol === "https:";
    return new Promise((resolve) => {
      if (cancelled.aborted) return resolve(failure(cancelled, false));
      const socket = secure ? connectTls(tlsOptions(url, tls)) : connectTcp(addressOf(url));
      // A late error of a connection that has ended concerns nobody.
      socket.on("error", () => undefined);
      let stage: NetworkReason = "connect";
      const settle = (result: Socket | Failure): void => {
        clearTimeout(timer);
        cancelled.removeEventListener("abort", onAbort);
        forget();
        if ("failed" in result) socket.destroy();
        resolve(result);
      };
      const fail = (text: string): void => settle({ failed: stage, sent: false, text });
      const onAbort = (): void => settle(failure(cancelled, false));
      const timer = setTimeout(() => {
        fail(`no connection to ${url.host} within ${connectTimeoutMs} ms`);
      }, connectTimeoutMs);
      const ready = (): void => {
        socket.setNoDelay(true);
        socket.setKeepAlive(true, 30_000);
        settle(socket);
      };
      const forget = listen(socket, {
        connect: secure ? () => (stage = "tls") : ready,
        ...(secure && { secureConnect: ready }),
        error: (error) => fail(`cannot connect to ${url.host}: ${(error as Error).message}`),
        close: () => fail(`${url.host} closed the connection`),
      });
      cancelled.addEventListener("abort", onAbort);
    });
  }

  #ask(socket: Socket, request: Uint8Array, cancelled: AbortSignal): Promise<Answer | Failure> {
    return new Promise((resolve) => {
      if (cancelled.aborted) return resolve(failure(cancelled, false));
      const reader = new ResponseReader();
      const settle = (result: Answer | Failure): void => {
        cancelled.removeEventListener("abort", onAbort);
        forget();
        resolve(result);
      };
      const fail = (failed: NetworkReason, text: string): void => settle({ failed, sent: true, text });
      const onAbort = (): void => settle(failure(cancelled, true));
      const read = (next: () => Answer | undefined, otherwise: () => void): void => {
        try {
          const answer = next();
          if (answer) settle(answer);
          else otherwise();
        } catch (error) {
          if (!(error instanceof MalformedAnswer)) throw error;
          fail("malformed-answer", error.message);
        }
      };
      const lost = (): void => fail("connection-lost", "the connection ended before the answer");
      const forget = listen(socket, {
        data: (chunk) =>
          read(
            () => reader.push(chunk as Uint8Array),
            () => undefined,
          ),
        end: () => read(() => reader.end(), lost),
        error: (error) => fail("connection-lost", `the connection failed: ${(error as Error).message}`),
        close: lost,
      });
      cancelled.addEventListener("abort", onAbort);
      socket.write(request);
    });
  }
}

/**
 * Resolves after the runtime has read what had come: an end of the connection, or bytes that nobody asked for, may be
 * waiting while the program was busy. Twice, because the first may come in the same round of events.
 */
const readWhatCame = async (): Promise<void> => {
  for (let round = 0; round < 2; round++) await new Promise<void>((resolve) => void setImmediate(resolve));
};

type Handlers = Readonly<Record<string, (argument?: unknown) => void>>;

/** Returns a function that removes these listeners; the runtime has some of its own. */
const listen = (socket: Socket, handlers: Handlers): (() => void) => {
  for (const [event, handler] of Object.entries(handlers)) socket.on(event, handler);
  return () => {
    for (const [event, handler] of Object.entries(handlers)) socket.off(event, handler);
  };
};

/** The signal was aborted with its cause as the reason. */
const failure = ({ reason }: AbortSignal, sent: boolean): Failure => {
  const when = sent ? "after it was sent" : "before it was sent";
  if (reason === "timeout") return { failed: "timeout", sent, text: `the request timed out ${when}` };
  if (reason === "closed") return { failed: "closed", sent, text: `the client was closed ${when}` };
  return { failed: "aborted", sent, text: `the request was aborted ${when}` };
};

const isOpen = (socket: Socket): boolean => !socket.destroyed && socket.readable && socket.writable;

/** Milliseconds after which the other side closes an idle connection, less one second for the way. */
const lifetimeOf = ({ headers }: Answer): number => {
  const seconds = /(?:^|[ ,])timeout=(\d{1,9})/i.exec(headers.get("keep-alive") ?? "")?.[1];
  return seconds === undefined ? Infinity : Number(seconds) * 1000 - 1000;
};

/** IPv6 stands in brackets in a URL. */
const addressOf = ({ hostname, port, protocol }: URL): { host: string; port: number } => ({
  host: hostname.replace(/^\[(.*)\]$/, "$1"),
  port: Number(port === "" ? (protocol === "https:" ? 443 : 80) : port),
});

const tlsOptions = (url: URL, { ca, cert, key, passphrase, serverName }: TlsOptions) => {
  const { host, port } = addressOf(url);
  const name = serverName ?? host;
  return {
    host,
    port,
    ALPNProtocols: ["http/1.1"],
    ...(isIP(name) === 0 && { servername: name }),
    ...(ca !== undefined && { ca: typeof ca === "string" ? ca : [...ca] }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(passphrase !== undefined && { passphrase }),
  };
};
