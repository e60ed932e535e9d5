/** One line for screen readers, and for everybody a short note at the bottom of the page. */
import { signal } from "@preact/signals";

const NOTE_MS = 4000;

export const note = signal("");
let timer: ReturnType<typeof setTimeout> | undefined;

export const announce = (text: string): void => {
  clearTimeout(timer);
  note.value = text;
  timer = setTimeout(() => (note.value = ""), NOTE_MS);
};
