/** Copies text. On a plain-HTTP host browsers have no clipboard: then a dialog shows the text, selected. */
import { signal } from "@preact/signals";
import { S } from "./strings.ts";
import { announce } from "./announce.ts";

/** The text that the user must copy by hand; undefined when there is none. */
export const copyByHand = signal<string | undefined>(undefined);

export const copy = async (text: string): Promise<void> => {
  try {
    await navigator.clipboard.writeText(text);
    announce(S.copy.copied);
  } catch {
    copyByHand.value = text;
  }
};
