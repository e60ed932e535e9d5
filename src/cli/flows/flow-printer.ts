/** Prints the events of a flow stream: flows to stdout, and what is to be known about the stream to stderr. */
import type { BeginEvent, EndEvent, HeartbeatEvent } from "../../admin/flows/event-stream.ts";
import type { Missing } from "../../journal/flows/flow-reader.ts";
import type { Transaction } from "../../journal/search/transaction.ts";
import { linesOf } from "../audit/output/lines.ts";
import { withGivenConfig } from "../process/given-config.ts";
import { deliver, type Output } from "../process/output.ts";
import type { StreamEvent } from "./flow-client.ts";

export type Host = { readonly stdout: Output; readonly stderr: Output };
/** `json`: JSON lines; otherwise lines for people. */
export type PrinterOptions = { readonly json: boolean; readonly host: Host };

const QUIET_MS = 30_000;

const REASONS: Readonly<Record<Missing["reason"], string>> = {
  deleted: "audit.retention deleted them",
  "set-aside": "their segment was set aside or removed",
  damaged: "their lines are damaged: ocsgw audit verify -c FILE",
};

export class FlowPrinter {
  readonly #options: PrinterOptions;
  readonly #widths: number[] = [];
  #lastFlow = performance.now();
  #journal: string | null = null;
  /** When the stream was lost, on the monotonic clock. */
  #lostAt: number | undefined;
  #hasBegun = false;

  constructor(options: PrinterOptions) {
    this.#options = options;
  }

  /** Resolves when the output has taken it. Resolves to the reason if the gateway ends the stream with this event. */
  async print({ name, data }: StreamEvent): Promise<string | undefined> {
    switch (name) {
      case "flow":
        this.#lastFlow = performance.now();
        await this.#result(this.#options.json ? data : linesOf([JSON.parse(data) as Transaction], this.#widths)[0]!);
        return undefined;
      case "missing":
        await this.#missing(JSON.parse(data) as Missing);
        return undefined;
      case "begin":
        this.#begin(JSON.parse(data) as BeginEvent);
        return undefined;
      case "heartbeat":
        this.#heartbeat(JSON.parse(data) as HeartbeatEvent);
        return undefined;
      case "end":
        return (JSON.parse(data) as EndEvent).message;
      default:
        // Of a later version.
        return undefined;
    }
  }

  lost(why: string): void {
    if (this.#lostAt === undefined) this.#say(`! stream lost ${clock()} (${why}); trying again`);
    this.#lostAt ??= performance.now();
  }

  /** The stream goes on from now, because the gateway does not accept the cursor. */
  async cut(why: string): Promise<void> {
    this.#say(`! what happened in between is not shown: ${why}`);
    if (this.#options.json) await this.#result(JSON.stringify({ missing: { reason: "cursor", message: why } }));
  }

  #begin({ filter, resumed, behind, warnings }: BeginEvent): void {
    if (this.#lostAt !== undefined) {
      const seconds = ((performance.now() - this.#lostAt) / 1000).toFixed(1);
      const where = resumed ? `it continues where it stopped, ${behind} journal entries ago` : "it begins now";
      this.#say(`! back after ${seconds} s; ${where}`);
      this.#lostAt = undefined;
    }
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    if (!this.#options.json)
      this.#say(`following ${filter === "" ? "everything" : filter} from now. Ctrl-C to stop. Times are UTC.`);
    for (const warning of warnings) this.#say(`warning: ${warning}`);
  }

  #heartbeat({ journal, passed, behind }: HeartbeatEvent): void {
    if (journal !== this.#journal)
      this.#say(
        journal === null
          ? `! the journal can be written again, ${clock()}`
          : `! the journal cannot be written, so no flow appears: ${journal}`,
      );
    this.#journal = journal;
    if (this.#options.json || journal !== null || (behind ?? 0) > 0 || performance.now() - this.#lastFlow < QUIET_MS)
      return;
    this.#lastFlow = performance.now();
    this.#say(
      `· no matching flow for ${QUIET_MS / 1000} s (the gateway is reachable; ${passed ?? 0} other flows so far)`,
    );
  }

  async #missing(missing: Missing): Promise<void> {
    const { entries, from, to, reason } = missing;
    this.#say(
      `! ${entries} journal entries (${from} to ${to - 1}) cannot be shown: ` +
        `${withGivenConfig(REASONS[reason] ?? reason)}`,
    );
    if (this.#options.json) await this.#result(JSON.stringify({ missing }));
  }

  #result(line: string): Promise<void> {
    return deliver(this.#options.host.stdout, `${line}\n`);
  }

  #say(line: string): void {
    this.#options.host.stderr.write(`${line}\n`);
  }
}

const clock = (): string => new Date().toISOString().slice(11, 21);
