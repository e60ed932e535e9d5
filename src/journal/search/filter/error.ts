/** The error for an invalid filter, with the place in its text. */

export type FilterFault = {
  readonly text: string;
  /** Start in the text, counted from 0, and length. */
  readonly at: number;
  readonly length: number;
  readonly help?: string | undefined;
};

const HIDDEN = "·";
const NUMBERS = /\+?\d[\d\s().-]{5,}\d/g;
const DATE = /^\d{4}-\d\d-\d\d/;

export class FilterError extends Error {
  override readonly name = "FilterError";
  readonly fault: FilterFault;
  /** The faulty part is personal data and must not be shown again. */
  hidden = false;

  constructor(message: string, fault: FilterFault) {
    super(message);
    this.fault = fault;
  }

  /** The message, the filter, a caret under the faulty part, and help. */
  render(): string {
    const { text, at, length, help } = this.fault;
    const caret = `${" ".repeat(at)}${"^".repeat(Math.max(1, Math.min(length, text.length - at)))}`;
    const hidden = this.hidden ? text.slice(0, at) + HIDDEN.repeat(length) + text.slice(at + length) : text;
    // A line break or a tab would move the caret.
    const shown = hidden
      .replaceAll(/\s/g, " ")
      .replaceAll(NUMBERS, (digits) => (DATE.test(digits) ? digits : HIDDEN.repeat(digits.length)));
    return [
      `filter: ${this.message}, at column ${at + 1}`,
      `  ${shown}`,
      `  ${caret}`,
      ...(help === undefined ? [] : [`  ${help}`]),
    ].join("\n");
  }
}
