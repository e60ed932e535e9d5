/** One client connection: its requests one after the other, whatever it pipelines, and what is known about its end. */
import type { Socket } from "node:net";
import type { Fault, Peer } from "../message.ts";
import type { Shown } from "./trust.ts";

/** Begins a request. Whoever it is calls `next` when its reply is out. */
type Task = () => void;

/** A client that sends more than this ahead of its answers is not read until they are out. */
const AHEAD = 8;
const SURPLUS_MS = 50;
/** Milliseconds that a client has, once it is read again, to go on with the request that we left off in the middle of. */
const TAKE_UP_MS = 5000;
/** What was revoked is gone 5 s later, also when its request takes longer or is still coming in. */
const RETIREMENT_MS = 4000;

export class Connection {
  /** The client's address: the peer's, or that which a proxy of ours named. */
  readonly source: string;
  /** Our address, to which it has connected. */
  readonly address: string;
  /** What came after the last whole request and is none. */
  fault: Fault | undefined;
  /** The client certificate that it was opened with. */
  shown: Shown | undefined;
  /** What that is worth now. */
  peerNow: (() => Peer | undefined) | undefined;
  /** It ends with the reply that is under way. */
  retired = false;
  readonly #socket: Socket;
  readonly #waiting: Task[] = [];
  readonly #onFault = new Set<(fault: Fault) => unknown>();
  readonly #whenBroken: (fault: Fault) => void;
  readonly #onGone = new Set<() => void>();
  #busy = false;
  #held = false;
  #closing = false;
  #gone = false;
  #ended = false;
  #readAgainAt = -Infinity;
  #secondsReplying = -1;

  /** `whenBroken` is told of what is no request once all before it are answered, unless it came when none was under way. */
  constructor(socket: Socket, source: string, whenBroken: (fault: Fault) => void) {
    this.#socket = socket;
    this.#whenBroken = whenBroken;
    this.source = source;
    this.address = (socket.localAddress ?? "").replace(/^::ffff:(?=\d+\.)/, "");
    // One rule for every client that closes its side (a FIN, with TLS's farewell or without): a request of it that waits in the queue is abandoned, one
    // that was sent, or has not to wait, gets its answer. Of a client that is held back it is heard when it is read again, over TLS no sooner.
    socket
      .once("end", () => {
        this.#ended = true;
        if (!this.#held) this.#leave();
      })
      .once("close", () => {
        // What waits has not been looked at yet, and there is nobody to answer.
        this.#waiting.length = 0;
        this.#leave();
      });
  }

  get busy(): boolean {
    return this.#busy;
  }

  get last(): boolean {
    return this.#waiting.length === 0;
  }

  /** What is half read of the next request is so because we do not read: its time does not run. */
  get heldBack(): boolean {
    return this.#held || performance.now() - this.#readAgainAt < TAKE_UP_MS;
  }

  /** A reply is on its way out, until the task is done. */
  replying(): void {
    this.#secondsReplying = 0;
  }

  /** Called once a second: a client that does not take its reply for `max` seconds is let go of. */
  tick(max: number): void {
    if (this.#secondsReplying >= 0 && ++this.#secondsReplying > max) this.#socket.destroy();
  }

  /** Closes a connection on which the client has not said a byte. */
  closeIfSilent(): void {
    if (this.#socket.bytesRead === 0) this.#socket.destroy();
  }

  /** The reply now given is the last one: what was sent ahead behind it is not begun. */
  close(): void {
    this.#closing = true;
  }

  /** Runs the task when those before it are done. Behind what is no request nothing is begun: a head that came too late is refused already, and may still end. */
  enqueue(task: Task): void {
    if (this.#closing || this.fault) return;
    if (!this.#busy) {
      this.#busy = true;
      return task();
    }
    this.#waiting.push(task);
    if (this.#waiting.length >= AHEAD && !this.#held) this.#holdBack();
  }

  /** The task that runs is done. */
  readonly next = (): void => {
    if (this.#closing || this.#socket.destroyed) this.#waiting.length = 0;
    const task = this.#waiting.shift();
    this.#secondsReplying = -1;
    this.#busy = task !== undefined;
    if (task) {
      if (this.#waiting.length < AHEAD && this.#held) this.#readOn();
      task();
    } else if (this.fault) this.#whenBroken(this.fault);
  };

  /** Nothing new is taken; what is under way still gets its reply, if that is ready soon. */
  retire(): void {
    if (this.retired) return;
    this.retired = true;
    if (!this.#busy) return this.#socket.destroySoon();
    const timer = setTimeout(() => this.#socket.destroy(), RETIREMENT_MS).unref();
    this.#socket.once("close", () => clearTimeout(timer));
  }

  fail(fault: Fault): void {
    this.fault ??= fault;
    for (const tell of this.#onFault) tell(this.fault);
  }

  /** Calls back once, at once if it has happened; returns how to stop listening. */
  onFault(tell: (fault: Fault) => unknown): () => void {
    this.#onFault.add(tell);
    if (this.fault) tell(this.fault);
    return () => this.#onFault.delete(tell);
  }

  onGone(tell: () => void): () => void {
    if (this.#gone) tell();
    else this.#onGone.add(tell);
    return () => this.#onGone.delete(tell);
  }

  /** True when bytes follow that begin no request; they may be a moment behind. */
  async surplus(): Promise<boolean> {
    if (!this.fault && this.last) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, SURPLUS_MS);
        const stop = this.onFault(() => (clearTimeout(timer), resolve()));
        timer.unref();
        this.onGone(() => (stop(), clearTimeout(timer), resolve()));
      });
    }
    return this.fault !== undefined;
  }

  /** Node resumes the socket behind each message that it parses, and there may be hundreds in what it has read: paused again each time. */
  #holdBack(): void {
    this.#held = true;
    this.#socket.pause().on("resume", this.#pauseAgain);
  }

  #readOn(): void {
    this.#held = false;
    this.#readAgainAt = performance.now();
    this.#socket.off("resume", this.#pauseAgain).resume();
    if (this.#ended) this.#leave();
  }

  readonly #pauseAgain = (): void => void this.#socket.pause();

  #leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    for (const tell of this.#onGone) tell();
    this.#onGone.clear();
  }
}
