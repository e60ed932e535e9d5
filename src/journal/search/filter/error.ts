/** What is wrong with a filter, and where. */

export type FilterFault = {
  readonly text: string;
  /** Place in the text, counted from 0, and how much of it is meant. */
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
  /** What is meant is a person's, and is not shown again. */
  hidden = false;

  constructor(message: string, fault: FilterFault) {
    super(message);
    this.fault = fault;
  }

  /** With the filter, a caret under the spot, and what to write instead. */
  render(): string {
    const { text, at, length, help } = this.fault;
    const caret = `${" ".repeat(at)}${"^".repeat(Math.max(1, Math.min(length, text.length - at)))}`;
    const shown = this.hidden ? text.slice(0, at) + HIDDEN.repeat(length) + text.slice(at + length) : text;
    // A line break or a tab would move the caret.
    return [
      `filter: ${this.message}, at column ${at + 1}`,
      `  ${shown.replaceAll(/\s/g, " ").replaceAll(NUMBERS, (digits) => (DATE.test(digits) ? digits : HIDDEN.repeat(digits.length)))}`,
      `  ${caret}`,
      ...(help === undefined ? [] : [`  ${help}`]),
    ].join("\n");
  }
}
