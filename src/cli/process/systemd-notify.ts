/**
 * What systemd is told about the gateway (sd_notify(3)): ready, reading the config again, stopping, and a line that
 * `systemctl status` shows. Node cannot write to a datagram socket, so `systemd-notify` does, in a process of its own:
 * the unit needs NotifyAccess=all. Nothing waits for it, and without NOTIFY_SOCKET nothing happens.
 */
import { execFile } from "node:child_process";
import type { State } from "../assemble.ts";
import { events } from "../events.ts";

/** `lines`: VARIABLE=VALUE each. Resolves once systemd has taken them. */
type Send = (lines: readonly string[]) => Promise<void>;

/** systemd takes them within milliseconds, or is not there. */
const PATIENCE_MS = 5000;

const byProgram: Send = (lines) =>
  new Promise((resolve, reject) => {
    execFile("systemd-notify", [...lines], { timeout: PATIENCE_MS }, (error) => (error ? reject(error) : resolve()));
  });

/** Without NOTIFY_SOCKET nobody listens. */
const sendFrom = ({ NOTIFY_SOCKET }: NodeJS.ProcessEnv): Send => (NOTIFY_SOCKET ? byProgram : () => Promise.resolve());

const LOOK_MS = 5000;

export class ServiceManager {
  readonly #send: Send;
  #turn: Promise<void> = Promise.resolve();
  #status: string | undefined;
  #hasFailed = false;
  #state: (() => State) | undefined;
  #looking: NodeJS.Timeout | undefined;

  constructor(send: Send = sendFrom(process.env)) {
    this.#send = send;
  }

  /** A standby is ready too: it does what it was started for. */
  standingBy(): void {
    this.#tell("standby: waits for the journal's lock", "READY=1");
  }

  /** From now on the line follows the state. */
  serving(state: () => State): void {
    this.#state = state;
    this.#tell(inWords(state()), "READY=1");
    this.#looking = setInterval(() => this.#tell(inWords(state())), LOOK_MS).unref();
  }

  /** Around a reading of the config. */
  readonly reloading = async <Value>(read: () => Promise<Value>): Promise<Value> => {
    const state = this.#state;
    if (!state) return read();
    this.#tell("reading the config again", "RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
    try {
      return await read();
    } finally {
      this.#tell(inWords(state()), "READY=1");
    }
  };

  /** Nothing is told after it. */
  stopping(): void {
    clearInterval(this.#looking);
    this.#tell("draining: not ready; requests are answered until it ends", "STOPPING=1");
    this.#tell = () => undefined;
  }

  /** In the order of the calls. A line that stands already is not told again. */
  #tell = (status: string, ...words: readonly string[]): void => {
    if (status === this.#status && words.length === 0) return;
    this.#status = status;
    this.#turn = this.#turn
      .then(() => this.#send([...words, `STATUS=${status}`]))
      .catch((error: unknown) => {
        // Whoever lost the first word would repeat it every few seconds.
        if (!this.#hasFailed) events.serviceManagerNotTold(error);
        this.#hasFailed = true;
      });
  };
}

const SHOWN = 12;
/** Characters; systemd shows one line. */
const MOST = 400;

/** One line: it is one variable of the message. */
const inWords = ({ reasons, warnings, configHash }: State): string => {
  const more = warnings.length === 0 ? "" : `; warnings: ${warnings.length} (ocsgw status shows them)`;
  const state = reasons.length === 0 ? "serving" : `not ready: ${reasons.join("; ")}`;
  return `${state}; config ${configHash.slice(0, SHOWN)}${more}`.replaceAll(/\s+/g, " ").slice(0, MOST);
};
