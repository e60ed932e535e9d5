/**
 * The filter language for searches and exports of the journal:
 *
 *     tenant:"Alpha Tenant" client:ivr-* action:DoNotCall,RequestRecordCancel status:>=400 -client:ors-main
 *     (queue:>100ms OR is:no-answer)
 *
 * All terms side by side must match; `-` negates a term, `OR` and parentheses work as usual, a comma separates
 * alternatives. Filters appear in histories, logs and addresses, so they must not contain phone numbers or customer
 * ids.
 */
import { FilterError } from "./error.ts";
import { findKey, KEY_NAMES, type FieldName, type Term } from "./keys.ts";
import { scan, type Token } from "./scan.ts";
import { looksLikePhone, nearestOf } from "./text.ts";
import { timeWindow } from "./windows.ts";
import type { Expression } from "./keys.ts";
import type { Fields } from "../transaction.ts";

export { FilterError } from "./error.ts";
export type { Expression, TermValue, Term } from "./keys.ts";

export type Filter = {
  readonly text: string;
  readonly expression: Expression;
};

/** `now`: milliseconds since 1970, for `since:1h` and times of today. Throws FilterError. */
export const parseFilter = (text: string, now: number = Date.now()): Filter => {
  const expression = new Parser(text, now).whole();
  timeWindow(expression, ({ at, length }, message) => new FilterError(message, { text, at, length }));
  return { text, expression };
};

/** A filter that matches what both match. */
export const bothFilters = (one: Filter, other: Filter): Filter => ({
  text: [one.text, other.text]
    .filter((text) => text.trim() !== "")
    .map((text, _, all) => (all.length > 1 && /\sOR\s/.test(text) ? `(${text})` : text))
    .join(" "),
  expression: { kind: "all", of: [one.expression, other.expression] },
});

/** True, false, or undefined if the result depends on fields that are not known. */
export const evaluate = (
  expression: Expression,
  fields: Fields,
  knows: (field: FieldName) => boolean = () => true,
): boolean | undefined => {
  switch (expression.kind) {
    case "term":
      return knows(expression.term.field) ? expression.term.matches(fields) : undefined;
    case "not": {
      const inner = evaluate(expression.of, fields, knows);
      return inner === undefined ? undefined : !inner;
    }
    default: {
      const decisive = expression.kind === "any";
      let open = false;
      for (const each of expression.of) {
        const found = evaluate(each, fields, knows);
        if (found === decisive) return decisive;
        open ||= found === undefined;
      }
      return open ? undefined : !decisive;
    }
  }
};

/** The terms that every match must fulfil. */
export const requiredTerms = (expression: Expression): readonly Term[] =>
  expression.kind === "term"
    ? [expression.term]
    : expression.kind === "all"
      ? expression.of.flatMap(requiredTerms)
      : [];

/** All terms, also negated ones. */
export const allTerms = (expression: Expression): readonly Term[] =>
  expression.kind === "term"
    ? [expression.term]
    : expression.kind === "not"
      ? allTerms(expression.of)
      : expression.of.flatMap(allTerms);

const DEEPEST = 50;

/** What a number without a key can mean. */
const numberHelp = (text: string): string =>
  [
    ...(/^\d{4}$/.test(text) ? [`code:OCSGW-${text}`] : []),
    ...(/^[1-5]\d\d$/.test(text) ? [`status:${text}`] : []),
    `record:${text}`,
    `tenant:${text}`,
  ].join(" or ");

class Parser {
  readonly #text: string;
  readonly #now: number;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(text: string, now: number) {
    this.#text = text;
    this.#now = now;
    this.#tokens = scan(text);
  }

  whole(): Expression {
    if (this.#tokens.length === 0) return { kind: "all", of: [] };
    const expression = this.#any();
    const rest = this.#tokens[this.#at];
    if (rest) throw this.#fault(rest, `unexpected ${rest.kind === "close" ? "closing parenthesis" : rest.text}`);
    return expression;
  }

  #any(): Expression {
    const of = [this.#all()];
    while (this.#tokens[this.#at]?.kind === "or") {
      this.#at++;
      of.push(this.#all());
    }
    return of.length === 1 ? of[0]! : { kind: "any", of };
  }

  #all(): Expression {
    const of: Expression[] = [];
    for (
      let token = this.#tokens[this.#at];
      token && token.kind !== "or" && token.kind !== "close";
      token = this.#tokens[this.#at]
    )
      of.push(this.#one(token));
    if (of.length > 0) return of.length === 1 ? of[0]! : { kind: "all", of };
    const found = this.#tokens[this.#at] ?? this.#end();
    throw this.#fault(
      found,
      found.kind === "end" ? "something is missing at the end" : `a term is missing before ${found.text}`,
    );
  }

  #one(token: Token): Expression {
    this.#at++;
    switch (token.kind) {
      case "not": {
        const next = this.#tokens[this.#at];
        if (!next || next.kind === "or" || next.kind === "close")
          throw this.#fault(token, "- must be followed by the term that it negates");
        return { kind: "not", of: this.#one(next) };
      }
      case "open": {
        if (++this.#depth > DEEPEST) throw this.#fault(token, `expected at most ${DEEPEST} nested parentheses`);
        const inner = this.#any();
        this.#depth--;
        if (this.#tokens[this.#at]?.kind !== "close") throw this.#fault(token, "this parenthesis is not closed");
        this.#at++;
        return inner;
      }
      case "term":
        return { kind: "term", term: this.#term(token) };
      default:
        return { kind: "term", term: this.#bare(token) };
    }
  }

  #term(token: Extract<Token, { kind: "term" }>): Term {
    const key = findKey(token.key);
    if (!key)
      throw this.#fault(
        { ...token, length: token.key.length },
        `unknown key ${token.key}`,
        nearestOf(token.key, KEY_NAMES, (name) => `${name}:`),
      );
    return key.read(token.values, { now: this.#now, fault: (at, message, help) => this.#fault(at, message, help) });
  }

  /** A value without a key is accepted if it is unambiguous. */
  #bare(token: Token): Term {
    const { text } = token;
    const key = /^OCSGW-\d{4}$/i.test(text)
      ? "code"
      : /^[0-7][0-9A-HJKMNP-TV-Z]{9,25}$/i.test(text) && /[A-Z]/i.test(text)
        ? "id"
        : undefined;
    if (key)
      return this.#term({
        kind: "term",
        key,
        at: token.at,
        length: token.length,
        text,
        values: [{ text, quoted: false, at: token.at, length: token.length }],
      });
    const record = /\/records\/(\d+)(?:\?.*)?$/.exec(text)?.[1];
    if (record)
      return this.#term({
        kind: "term",
        key: "record",
        at: token.at,
        length: token.length,
        text,
        values: [{ text: record, quoted: false, at: token.at, length: token.length }],
      });
    // A phone number can consist of several words.
    if (looksLikePhone(text) || looksLikePhone(/^[+\d][\d\s().-]*/.exec(this.#text.slice(token.at))?.[0].trim() ?? ""))
      throw this.#fault(
        token,
        "this looks like a phone number, which a filter must not contain",
        "--phone-stdin reads a number from standard input and searches for its token; --customer-stdin does so " +
          "for an id",
      );
    if (/^(and|or|not)$/i.test(text))
      throw this.#fault(
        token,
        `unexpected ${text}`,
        "terms side by side must all match; OR (in capitals) separates alternatives; - negates a term",
      );
    const isBehindTime = /\d\d:\d\d(?::\d\d(?:\.\d+)?)?\s$/.test(this.#text.slice(0, token.at));
    if (/^\d\d:?\d\d$/.test(text) && isBehindTime)
      throw this.#fault(
        token,
        "expected key:value",
        "in an address, write the + of an offset such as 12:00+02:00 as %2B",
      );
    if (/^\d{1,6}$/.test(text)) throw this.#fault(token, "expected key:value", numberHelp(text));
    throw this.#fault(
      token,
      "expected key:value",
      nearestOf(text, KEY_NAMES, (name) => `${name}:`) ??
        `as in tenant:${/\W/.test(text) ? JSON.stringify(text) : text}, client:${text}`,
    );
  }

  #end(): Token {
    return { kind: "end", text: "", at: this.#text.length, length: 1 };
  }

  #fault(place: { readonly at: number; readonly length: number }, message: string, help?: string): FilterError {
    return new FilterError(message, { text: this.#text, at: place.at, length: place.length, help });
  }
}
