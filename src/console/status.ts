/** The gateway's state as the header shows it on every page, asked every few seconds. */
import { signal } from "@preact/signals";
import type { Header } from "../admin/api/now-schema.ts";
import type { Status } from "../admin/status.ts";
import { get } from "./api.ts";
import { person } from "./session.ts";

const EVERY_MS = 5000;
/** After this long without an answer, what is on screen is old, and a strip says so. */
export const STALL_MS = 4000;

/** What a person of some tenants may not see is absent: the journal, and warnings about the whole gateway. */
export type HeaderState = Header & Partial<Pick<Status, "journal" | "ready" | "reasons" | "warnings">>;

export type Seen = {
  readonly status: HeaderState | undefined;
  /** When the last answer came, on the page's clock; undefined before the first. */
  readonly at: number | undefined;
  /** Since when questions fail; undefined while they are answered. */
  readonly failingSince: number | undefined;
};

export const seen = signal<Seen>({ status: undefined, at: undefined, failingSince: undefined });

/** Asks until it is told to stop, also while the tab is hidden: the title tells what happens. */
export const watchStatus = (): (() => void) => {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ask = async (): Promise<void> => {
    const limit = AbortSignal.any([controller.signal, AbortSignal.timeout(STALL_MS)]);
    try {
      const path = person()?.tenants === "all" ? "/api/status" : "/api/header";
      const status = await get<HeaderState>(path, undefined, limit);
      seen.value = { status, at: performance.now(), failingSince: undefined };
    } catch {
      if (controller.signal.aborted) return;
      const before = seen.peek();
      seen.value = { ...before, failingSince: before.failingSince ?? performance.now() };
    }
    const { failingSince } = seen.peek();
    timer = setTimeout(() => void ask(), failingSince === undefined ? EVERY_MS : EVERY_MS / 5);
  };
  void ask();
  return () => {
    controller.abort();
    clearTimeout(timer);
    seen.value = { status: undefined, at: undefined, failingSince: undefined };
  };
};
