/**
 * Notifies systemd (sd_notify(3)): ready, reloading, stopping, and the status line of `systemctl status`. Node cannot
 * write to a datagram socket, so the program `systemd-notify` does; the unit needs NotifyAccess=all. Nothing waits for
 * it, and without NOTIFY_SOCKET nothing happens.
 */
import { execFile, type ExecFileException } from "node:child_process";
import type { State } from "../../app/gateway.ts";
import { events } from "../../common/log/events.ts";
import { LoggableError } from "../../common/log/loggable-error.ts";
import { isSystemError } from "../../common/system-error.ts";

/** `lines`: VARIABLE=VALUE. Resolves once systemd has received them. */
type Send = (lines: readonly string[]) => Promise<void>;

/** systemd answers within milliseconds. */
const TIMEOUT_MS = 5000;
const MOST_SAID = 200;

const byProgram: Send = (lines) =>
  new Promise((resolve, reject) => {
    execFile("systemd-notify", [...lines], { timeout: TIMEOUT_MS }, (error, _stdout, stderr) =>
      error ? reject(isSystemError(error) ? error : failedProgram(error, stderr)) : resolve(),
    );
  });

const failedProgram = ({ code, signal }: ExecFileException, stderr: string): LoggableError => {
  const end = signal ? `was ended by ${signal} after at most ${TIMEOUT_MS / 1000} s` : `ended with code ${code}`;
  const [said = ""] = stderr.trim().split("\n");
  return new LoggableError(`systemd-notify ${end}${said === "" ? "" : `: ${said.slice(0, MOST_SAID)}`}`);
};

/** Does nothing without NOTIFY_SOCKET. */
const sendFrom = ({ NOTIFY_SOCKET }: NodeJS.ProcessEnv): Send => (NOTIFY_SOCKET ? byProgram : () => Promise.resolve());

const UPDATE_MS = 5000;

export class ServiceManager {
  readonly #send: Send;
  #turn: Promise<void> = Promise.resolve();
  #status: string | undefined;
  #hasFailed = false;
  #state: (() => State) | undefined;
  #updating: NodeJS.Timeout | undefined;

  constructor(send: Send = sendFrom(process.env)) {
    this.#send = send;
  }

  /** A standby counts as ready, because it does its job. */
  standingBy(): void {
    this.#notify("standby: waiting for the journal's lock", "READY=1");
  }

  /** From now on the status line follows the gateway's state. */
  serving(state: () => State): void {
    this.#state = state;
    this.#notify(statusLine(state()), "READY=1");
    this.#updating = setInterval(() => this.#notify(statusLine(state())), UPDATE_MS).unref();
  }

  /** Runs a reload of the config. */
  readonly reloading = async <Value>(read: () => Promise<Value>): Promise<Value> => {
    const state = this.#state;
    if (!state) return read();
    this.#notify("reloading the config", "RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
    try {
      return await read();
    } finally {
      this.#notify(statusLine(state()), "READY=1");
    }
  };

  /** Sends the last notification. */
  stopping(): void {
    clearInterval(this.#updating);
    this.#notify("draining: not ready; requests in progress are finished", "STOPPING=1");
    this.#notify = () => undefined;
  }

  /** Sends in the order of the calls; an unchanged status line is not sent again. */
  #notify = (status: string, ...words: readonly string[]): void => {
    if (status === this.#status && words.length === 0) return;
    this.#status = status;
    this.#turn = this.#turn
      .then(() => this.#send([...words, `STATUS=${status}`]))
      .catch((error: unknown) => {
        // Logged once, because every further update would fail too.
        if (!this.#hasFailed) events.systemdNotifyFailed({ error });
        this.#hasFailed = true;
      });
  };
}

const SHOWN = 12;
/** Characters; systemd shows one line. */
const MOST = 400;

/** The status line. */
const statusLine = ({ reasons, warnings, configHash }: State): string => {
  const more = warnings.length === 0 ? "" : `; warnings: ${warnings.length} (ocsgw status shows them)`;
  const state = reasons.length === 0 ? "serving" : `not ready: ${reasons.join("; ")}`;
  return `${state}; config ${configHash.slice(0, SHOWN)}${more}`.replaceAll(/\s+/g, " ").slice(0, MOST);
};
