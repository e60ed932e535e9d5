/**
 * Reads XML into a tree with offsets. Document types are passed over and their entities never expanded; the depth and
 * the number of elements are limited.
 */
import sax from "sax";
import type { Fault } from "../calls.ts";

/** A text of a document: `exact` if it is written in the file as it is read, so that offsets inside it are right. */
export type XmlText = { readonly text: string; readonly at: number; readonly exact: boolean };

export type Element = {
  /** With its prefix, as written. */
  readonly name: string;
  readonly at: number;
  readonly attributes: ReadonlyMap<string, XmlText>;
  readonly children: Element[];
  /** The texts of the element itself, in order. */
  readonly texts: XmlText[];
  readonly parent: Element | undefined;
};

const DEEPEST = 256;
const MOST_ELEMENTS = 500_000;

export const readXml = (text: string): { readonly root: Element | undefined; readonly faults: readonly Fault[] } => {
  // The text is in memory as a whole, so that the parser needs no limits for parts of it.
  (sax as { MAX_BUFFER_LENGTH?: number }).MAX_BUFFER_LENGTH = Number.POSITIVE_INFINITY;
  const builder = new Builder(text);
  return builder.read();
};

class Builder {
  readonly #text: string;
  readonly #parser = sax.parser(true, { position: true });
  #root: Element | undefined;
  #open: Element | undefined;
  #attributes = new Map<string, XmlText>();
  #depth = 0;
  #elements = 0;
  #behind = 0;
  #fault: Fault | undefined;

  constructor(text: string) {
    this.#text = text;
    const parser = this.#parser;
    parser.onopentagstart = () => (this.#attributes = new Map());
    parser.onattribute = ({ name, value }) => this.#attribute(name, value);
    parser.onopentag = ({ name }) => this.#enter(name);
    parser.onclosetag = () => this.#leave();
    parser.ontext = (value) => this.#add(value);
    parser.oncdata = (value) => this.#add(value);
    // A text begins where the markup before it ends.
    const mark = () => (this.#behind = parser.position);
    parser.onopencdata = mark;
    parser.onclosecdata = mark;
    parser.oncomment = mark;
    parser.onprocessinginstruction = mark;
    parser.onerror = (error) => this.#stop(error.message);
  }

  read(): { readonly root: Element | undefined; readonly faults: readonly Fault[] } {
    try {
      this.#parser.write(this.#text).close();
    } catch (error) {
      if (this.#fault === undefined) throw error;
    }
    return { root: this.#root, faults: this.#fault ? [this.#fault] : [] };
  }

  #attribute(name: string, value: string): void {
    const end = this.#parser.position - 1;
    const start = end - value.length;
    const exact = this.#text.slice(start, end) === value;
    const quote = this.#text[end] ?? '"';
    const opening = exact ? start : this.#text.lastIndexOf(quote, end - 1) + 1;
    this.#attributes.set(name, { text: value, at: opening, exact });
  }

  #enter(name: string): void {
    if (++this.#depth > DEEPEST) this.#stop(`elements nested deeper than ${DEEPEST}`);
    if (++this.#elements > MOST_ELEMENTS) this.#stop(`more than ${MOST_ELEMENTS} elements`);
    const element: Element = {
      name,
      at: Math.max(0, this.#parser.startTagPosition - 1),
      attributes: this.#attributes,
      children: [],
      texts: [],
      parent: this.#open,
    };
    this.#open?.children.push(element);
    this.#root ??= element;
    this.#open = element;
    this.#behind = this.#parser.position;
  }

  #leave(): void {
    this.#depth--;
    this.#behind = this.#parser.position;
    this.#open = this.#open?.parent;
  }

  #add(value: string): void {
    if (!this.#open) return;
    const at = this.#behind;
    const exact = this.#text.startsWith(value, at);
    this.#open.texts.push({ text: value, at: exact ? at : this.#open.at, exact });
  }

  #stop(message: string): never {
    this.#fault ??= { at: Math.max(0, this.#parser.position - 1), message: plainly(message) };
    throw new Error(message);
  }
}

/** The parser adds lines with the place to its messages. */
const plainly = (message: string): string => {
  const [first = ""] = message.split("\n");
  return first.replace(/\.$/, "").replace(/^./, (letter) => letter.toLowerCase());
};

/** The element and all below it, in the order of the document. */
export function* elementsOf(root: Element): Generator<Element> {
  const waiting = [root];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    yield next;
    for (const child of next.children.toReversed()) waiting.push(child);
  }
}

/** The name without its prefix. */
export const localName = ({ name }: Element): string => name.slice(name.indexOf(":") + 1);

/** The element's own text: all of it as one, with the offset of the first part that is not blank. */
export const contentOf = ({ texts, at }: Element): XmlText => {
  const parts = texts.filter(({ text }) => text.trim() !== "");
  const [only] = parts;
  if (!only) return { text: "", at, exact: false };
  return parts.length === 1 ? only : { text: parts.map(({ text }) => text).join(""), at: only.at, exact: false };
};

export function* ancestorsOf(element: Element): Generator<Element> {
  for (let next = element.parent; next; next = next.parent) yield next;
}
