/** An exporter that reports how each export ended. The SDK itself tells nobody. */

type Result = { readonly code: number; readonly error?: Error };
type Exporter<Items> = {
  readonly export: (items: Items, done: (result: Result) => void) => void;
  readonly forceFlush?: () => Promise<void>;
  readonly shutdown: () => Promise<void>;
};

const SUCCESS = 0;

export const watched = <Items extends { readonly length: number }>(
  exporter: Exporter<Items>,
  onExport: (items: number, failure: Error | undefined) => void,
) => ({
  export: (items: Items, done: (result: Result) => void): void =>
    exporter.export(items, (result) => {
      const isDone = result.code === SUCCESS;
      onExport(items.length, isDone ? undefined : (result.error ?? new Error("the collector rejected it")));
      done(result);
    }),
  forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  shutdown: () => exporter.shutdown(),
});
