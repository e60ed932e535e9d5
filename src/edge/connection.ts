/** One client connection. Its requests are served one after the other, also when the client pipelines them. */
import type { Socket } from "node:net";
import type { Fault, Peer } from "../common/message.ts";
import { plainAddress } from "../common/net-address.ts";
import type { PresentedCertificate } from "./client-trust.ts";

/** Begins a request, which calls `next` when its reply is sent. */
type Task = () => void;

type Serving =
  | "idle" // no request is in progress
  | "busy" // a request is in progress
  | "retiring" // a request is in progress, and the connection closes with its reply
  | "closing" // the last reply is being sent; later requests are dropped
  | "closed"; // no request is begun any more

type Reading =
  | "open" // reading from the client
  | "paused" // not reading, because the client has sent too many requests before their replies
  | "ended unseen" // the client closed its side while paused; its requests notice that when reading resumes
  | "ended"; // the client closed its side, or the connection is closed

type ServingEvent = "begin" | "finish" | "reply last" | "retire";
type ReadingEvent = "pause" | "resume" | "end" | "close";
type Transitions<State extends string, Event extends string> = Readonly<
  Record<State, Readonly<Partial<Record<Event, State>>>>
>;

/** All changes of state. A state ignores events that it does not list. */
const SERVING: Transitions<Serving, ServingEvent> = {
  idle: { begin: "busy", retire: "closed" },
  busy: { finish: "idle", "reply last": "closing", retire: "retiring" },
  retiring: { finish: "closed", "reply last": "closing" },
  closing: { finish: "closed" },
  closed: {},
};
const READING: Transitions<Reading, ReadingEvent> = {
  open: { pause: "paused", end: "ended", close: "ended" },
  paused: { resume: "open", end: "ended unseen", close: "ended" },
  "ended unseen": { resume: "ended", close: "ended" },
  ended: {},
};

/** Reading pauses when a client has this many requests without replies. */
const MAX_AHEAD = 8;
const SURPLUS_MS = 50;
/** When reading resumes, the time that a client has to continue a request that was read in part before the pause. */
const RESUME_MS = 5000;
/** A revoked client's connection closes within 5 s, even if its request takes longer or is incomplete. */
const RETIRE_MS = 4000;

export class Connection {
  /** The client's address: the peer's, or the one that a trusted proxy named. */
  readonly source: string;
  /** The local address that the client connected to. */
  readonly address: string;
  /** Set when the bytes after the last complete request are not a request. */
  fault: Fault | undefined;
  /** The client certificate of the handshake. */
  certificate: PresentedCertificate | undefined;
  /** Checks that certificate now. */
  peerNow: (() => Peer | undefined) | undefined;
  #serving: Serving = "idle";
  #reading: Reading = "open";
  readonly #socket: Socket;
  readonly #waiting: Task[] = [];
  readonly #onFault = new Set<(fault: Fault) => unknown>();
  readonly #refuse: (fault: Fault) => void;
  readonly #onClose = new Set<() => void>();
  #resumedAt = -Infinity;
  #secondsReplying = -1;
  #retireTimer: NodeJS.Timeout | undefined;

  /** `refuse` is called with a fault after a request, when all requests before it are answered. */
  constructor(socket: Socket, source: string, refuse: (fault: Fault) => void) {
    this.#socket = socket;
    this.#refuse = refuse;
    this.source = source;
    this.address = plainAddress(socket.localAddress ?? "");
    // One rule for every client that closes its side (a FIN, with or without TLS's close_notify): its requests that
    // wait in the queue are abandoned, those that were sent get their answer. Over TLS, the end of a paused client is
    // seen only when it is read again.
    socket
      .once("end", () => this.#read("end"))
      .once("close", () => {
        this.#waiting.length = 0;
        clearTimeout(this.#retireTimer);
        this.#read("close");
      });
  }

  /** True if a request is in progress. */
  get isBusy(): boolean {
    return this.#serving !== "idle" && this.#serving !== "closed";
  }

  /** True if the connection closes with the current reply. */
  get isRetiring(): boolean {
    return this.#serving === "retiring";
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** True if the gateway has paused reading in the middle of a request, so that the client's timeout must not run. */
  get isHeldBack(): boolean {
    return this.#isPaused || performance.now() - this.#resumedAt < RESUME_MS;
  }

  /** Runs the task after earlier ones. After a fault or a last reply no task is begun. */
  enqueue(task: Task): void {
    if (this.fault || this.#serving === "closing" || this.#serving === "closed") return;
    if (this.#serving === "idle") {
      this.#serve("begin");
      return task();
    }
    this.#waiting.push(task);
    if (this.#waiting.length >= MAX_AHEAD && !this.#isPaused) this.#pause();
  }

  /**
   * Call this before writing the reply of the running task. `isLast`: the connection closes with this reply.
   * `isStream`: its body may take any time, and its writer notices a client that does not read.
   */
  reply(isLast: boolean, isStream = false): void {
    if (isLast) this.#serve("reply last");
    this.#secondsReplying = isStream ? -1 : 0;
  }

  /** Call this when the running task has ended. */
  readonly next = (): void => {
    if (this.#serving === "closing" || this.#socket.destroyed) this.#waiting.length = 0;
    const task = this.#waiting.shift();
    this.#secondsReplying = -1;
    if (task) {
      if (this.#waiting.length < MAX_AHEAD && this.#isPaused) this.#resume();
      return task();
    }
    if (this.isRetiring) this.#socket.destroySoon();
    this.#serve("finish");
    if (this.fault) this.#refuse(this.fault);
  };

  /** Called once a second: closes the connection if its client does not read a reply for `max` seconds. */
  tick(max: number): void {
    if (this.#secondsReplying >= 0 && ++this.#secondsReplying > max) this.#socket.destroy();
  }

  /** Closes a connection on which the client has not sent a byte. */
  closeIfSilent(): void {
    if (this.#socket.bytesRead === 0) this.#socket.destroy();
  }

  /** Makes the connection close with the current reply. */
  closeAfterReply(): void {
    this.#serve("retire");
  }

  /** As `closeAfterReply`, but at once if no request is in progress, otherwise within `RETIRE_MS`. */
  retire(): void {
    this.#serve("retire");
    if (!this.isBusy) return this.#socket.destroySoon();
    this.#retireTimer ??= setTimeout(() => this.#socket.destroy(), RETIRE_MS).unref();
  }

  fail(fault: Fault): void {
    this.fault ??= fault;
    for (const listener of this.#onFault) listener(this.fault);
  }

  /** Calls back once when there is a fault, immediately if there is one already. Returns a function to unsubscribe. */
  onFault(listener: (fault: Fault) => unknown): () => void {
    this.#onFault.add(listener);
    if (this.fault) listener(this.fault);
    return () => this.#onFault.delete(listener);
  }

  /** Calls back when the client has disconnected, immediately if it has already. Returns a function to unsubscribe. */
  onClose(listener: () => void): () => void {
    if (this.#reading === "ended") listener();
    else this.#onClose.add(listener);
    return () => this.#onClose.delete(listener);
  }

  /** Resolves to true if bytes follow that cannot begin a request. Waits a moment for them. */
  async surplus(): Promise<boolean> {
    if (!this.fault && !this.hasWaiting) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, SURPLUS_MS);
        const stop = this.onFault(() => (clearTimeout(timer), resolve()));
        timer.unref();
        this.onClose(() => (stop(), clearTimeout(timer), resolve()));
      });
    }
    return this.fault !== undefined;
  }

  get #isPaused(): boolean {
    return this.#reading === "paused" || this.#reading === "ended unseen";
  }

  /** Node resumes the socket after each message that it parses, of which one packet may hold hundreds: pause again. */
  #pause(): void {
    this.#read("pause");
    this.#socket.pause().on("resume", this.#pauseAgain);
  }

  #resume(): void {
    this.#resumedAt = performance.now();
    this.#socket.off("resume", this.#pauseAgain).resume();
    this.#read("resume");
  }

  readonly #pauseAgain = (): void => void this.#socket.pause();

  #serve(event: ServingEvent): void {
    this.#serving = SERVING[this.#serving][event] ?? this.#serving;
  }

  #read(event: ReadingEvent): void {
    const before = this.#reading;
    this.#reading = READING[before][event] ?? before;
    if (this.#reading !== "ended" || before === "ended") return;
    for (const listener of this.#onClose) listener();
    this.#onClose.clear();
  }
}
