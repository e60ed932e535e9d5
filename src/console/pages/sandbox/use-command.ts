/** What a control of this page makes the embedded OCS do. */
import { useState } from "preact/hooks";
import { announce } from "../../announce.ts";

export type Commands = {
  /** Does it, says the text that it resolves to, and asks for the state again. */
  readonly run: (act: () => Promise<string>) => void;
  /** Why the last one failed; undefined if it did not. */
  readonly error: unknown;
  readonly isBusy: boolean;
};

export const useCommand = (onDone: () => void): Commands => {
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const carryOut = async (act: () => Promise<string>): Promise<void> => {
    setBusy(true);
    try {
      announce(await act());
      setError(undefined);
      onDone();
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return { run: (act) => void carryOut(act), error, isBusy };
};
