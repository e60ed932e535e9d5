/** Asks the API again and again, or once, and keeps the last good answer while a later question fails. */
import { useEffect, useRef, useState } from "preact/hooks";

export type Loaded<Value> = {
  /** The last good answer. */
  readonly value: Value | undefined;
  /** Why the last question failed. */
  readonly error: unknown;
  readonly isLoading: boolean;
  /** Asks again now. */
  readonly again: () => void;
};

type Options = {
  /** Milliseconds between two questions while the tab is visible; undefined: one question. */
  readonly every?: number;
};

/** `key`: another key is another question, whose answer replaces the former one. */
export const useLoaded = <Value>(
  key: string,
  ask: (signal: AbortSignal) => Promise<Value>,
  { every }: Options = {},
): Loaded<Value> => {
  const [state, setState] = useState<{ key: string; value?: Value; error?: unknown; isLoading: boolean }>({
    key,
    isLoading: true,
  });
  const [round, setRound] = useState(0);
  const question = useRef(ask);
  question.current = ask;
  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const next = (): void => {
      if (every === undefined || controller.signal.aborted) return;
      timer = setTimeout(() => (document.hidden ? next() : void load()), every);
    };
    const load = async (): Promise<void> => {
      setState((before) => ({ ...(before.key === key ? before : { key }), isLoading: true }));
      try {
        const value = await question.current(controller.signal);
        if (!controller.signal.aborted) setState({ key, value, isLoading: false });
      } catch (error) {
        if (!controller.signal.aborted)
          setState((before) => ({ ...(before.key === key ? before : { key }), error, isLoading: false }));
      }
      next();
    };
    void load();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [key, every, round]);
  const current = state.key === key ? state : { key, isLoading: true };
  return {
    value: current.value,
    error: current.error,
    isLoading: current.isLoading,
    again: () => setRound((before) => before + 1),
  };
};

/** Calls `act` when `what` is another one than before, not at first. */
export const useChange = (what: unknown, act: () => void): void => {
  const before = useRef(what);
  useEffect(() => {
    if (before.current !== what) act();
    before.current = what;
  }, [what]);
};

/** A page of a list, newest first. `next`: the cursor of the next page; null on the last one. */
type Page = { readonly next: string | null };

export type Paged<Reply, Row> = Omit<Loaded<Reply>, "isLoading"> & {
  /** Of all pages so far. */
  readonly rows: readonly Row[];
  /** Only the newest page was asked for: `again` shows what is new. */
  readonly isFirst: boolean;
  /** Asks for the next page; undefined while one is loaded, and when there is none. */
  readonly more: (() => void) | undefined;
};

/** `value` is the reply with the last page. */
export const usePaged = <Reply extends Page, Row>(
  ask: (cursor: string | undefined, signal: AbortSignal) => Promise<Reply>,
  rowsOf: (reply: Reply) => readonly Row[],
): Paged<Reply, Row> => {
  const [earlier, setEarlier] = useState<readonly Row[]>([]);
  const [cursor, setCursor] = useState<string | undefined>();
  const { value, error, again } = useLoaded(cursor ?? "", (signal) => ask(cursor, signal));
  const rows = [...earlier, ...(value ? rowsOf(value) : [])];
  const next = value?.next ?? undefined;
  const more = (): void => {
    setEarlier(rows);
    setCursor(next);
  };
  return { value, error, again, rows, isFirst: cursor === undefined, more: next === undefined ? undefined : more };
};
