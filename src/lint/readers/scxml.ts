/** ORS strategies: SCXML with `session:fetch`. */
import {
  absent,
  call,
  joined,
  knownText,
  NOTHING,
  partsOf,
  text,
  unknown,
  type Call,
  type Header,
  type Range,
} from "../calls.ts";
import type { Member, Reading, Secret, Value } from "../calls.ts";
import { parsed } from "../script/evaluate-call.ts";
import { destinationOf, readUrl } from "../url.ts";
import { Document } from "./document.ts";
import type { Reader } from "./reader.ts";
import { ancestorsOf, contentOf, elementsOf, localName, readXml, type Element, type XmlText } from "./xml.ts";

export const readScxml: Reader = (source) => {
  const { root, faults } = readXml(source.text);
  if (!root) return { ...NOTHING, faults: faults.length > 0 ? faults : [{ at: 0, message: "no XML element" }] };
  const document = new Document(source);
  const elements = [...elementsOf(root)];
  for (const element of elements) remember(document, element);
  const flow = new Flow(elements);
  const fetches = elements.filter((element) => localName(element) === "fetch");
  const read = joined(fetches.map((element) => readFetch(document, element, flow)));
  const scripts = document.readScripts();
  return { ...joined([read, scripts]), faults: [...faults, ...document.faults] };
};

/** `<data id expr>`, `<assign location expr>`, `<script>`. */
const remember = (document: Document, element: Element): void => {
  const { attributes } = element;
  const name = localName(element);
  const expression = attributes.get("expr") ?? attributes.get("_expr");
  const target = attributes.get("id") ?? attributes.get("location") ?? attributes.get("name");
  if ((name === "data" || name === "assign" || name === "var") && target && expression) {
    document.define(target.text, expression);
    // ORS knows the variables of the data model by both names.
    document.define(name === "data" ? `_data.${target.text}` : target.text.replace(/^_data\./, ""), expression);
  } else if (name === "script" && contentOf(element).text !== "") document.script(contentOf(element));
};

const readFetch = (document: Document, element: Element, flow: Flow): Reading => {
  const { attributes, at } = element;
  const src = attributes.get("src");
  const expression = attributes.get("srcexpr") ?? attributes.get("_srcexpr");
  const url = src ? text(src.text, src.at) : document.value(expression, at);
  const secrets = secretsOf(document, attributes);
  const destination = destinationOf(readUrl(partsOf(url)), document.source.isKnownAddress);
  if (destination === "elsewhere") return { ...NOTHING, secrets };
  if (destination === "maybe")
    return { ...NOTHING, secrets, undecided: [{ at: src?.at ?? expression?.at ?? at, what: UNKNOWN_URL }] };
  const type = attributes.get("type") ?? attributes.get("enctype");
  const body = bodyOf(document, element);
  return {
    ...NOTHING,
    secrets,
    calls: [
      call(at, {
        urlAt: src?.at ?? expression?.at ?? at,
        url: partsOf(url),
        method: attributes.has("method") ? document.valueOrText(attributes.get("method")!) : text("GET", at),
        headers: [...headersOf(document, attributes), ...typeHeader(document, type)],
        ...body,
        ...flow.around(element),
      }),
    ],
  };
};

const UNKNOWN_URL = "the URL of a session:fetch is computed at run time";

const typeHeader = (document: Document, type: XmlText | undefined): readonly Header[] =>
  type ? [{ name: "Content-Type", value: document.valueOrText(type), at: type.at }] : [];

const headersOf = (document: Document, attributes: Element["attributes"]): readonly Header[] => {
  const headers = attributes.get("headers");
  const value = headers && document.value(headers, headers.at);
  if (value?.kind !== "object") return [];
  return value.members.flatMap(({ key, value: given, at }) =>
    key === undefined ? [] : [{ name: key, value: given, at }],
  );
};

/** A password that is written as a text, and not taken from a variable. */
const secretsOf = (document: Document, attributes: Element["attributes"]): readonly Secret[] => {
  const password = attributes.get("password");
  const written = password && knownText(document.valueOrText(password));
  return written === undefined || written === ""
    ? []
    : [{ at: password!.at, end: password!.at + password!.text.length, what: "a password" }];
};

/** The content, or the variables of `namelist` as the members of an object. */
const bodyOf = (document: Document, element: Element): { readonly body: Value; readonly form: boolean } => {
  const content = element.children.find((child) => localName(child) === "content");
  if (content) {
    const expression = content.attributes.get("expr") ?? content.attributes.get("_expr");
    const written = contentOf(content);
    if (!expression && written.text.trim() === "") return { body: absent(content.at), form: false };
    const value = expression ? document.value(expression, expression.at) : textOrObject(document, written);
    return { body: parsed(value) ?? value, form: false };
  }
  const names = element.attributes.get("namelist");
  return names ? { body: listed(document, names), form: false } : { body: absent(element.at), form: false };
};

/** The content of an element is JSON or an expression. */
const textOrObject = (document: Document, written: XmlText): Value => {
  const asText = { ...text(written.text, written.at), ...(written.exact && { exact: true as const }) } as Value;
  return parsed(asText) ?? document.valueOrText(written);
};

export const listed = (document: Document, names: XmlText): Value => {
  const members = names.text
    .split(/\s+/)
    .filter((name) => name !== "")
    .map((name): Member => {
      const value = document.valueOrText({ text: name, at: names.at, exact: false });
      return { key: name.slice(name.lastIndexOf(".") + 1), value, at: names.at };
    });
  const [only] = members;
  if (only && members.length === 1 && only.value.kind === "object") return only.value;
  // A variable whose name is no attribute may hold the whole body.
  const isBody = members.length === 1 && !only?.key?.startsWith("GSW_");
  return isBody ? unknown(names.at) : { kind: "object", members, open: false, at: names.at };
};

/** How the states of a strategy lead to each other after an error. */
class Flow {
  readonly #states = new Map<string, Element>();

  constructor(elements: readonly Element[]) {
    for (const element of elements) {
      const id = element.attributes.get("id");
      if (id && /^(?:state|parallel|final|initial)$/.test(localName(element))) this.#states.set(id.text, element);
    }
  }

  /** A fetch inside a transition on an error, and one in a state that an error of itself leads to again. */
  around(fetch: Element): Pick<Call, "afterFailureOf" | "retried"> {
    const above = [...ancestorsOf(fetch)];
    const onError = above.find(isErrorTransition);
    const state = above.find((element) => localName(element) === "state");
    const source = onError?.parent;
    return {
      afterFailureOf: onError && source ? [this.#rangeBefore(source, onError)] : [],
      retried: state !== undefined && !onError && this.#leadsBack(state),
    };
  }

  #rangeBefore(source: Element, transition: Element): Range {
    return { start: source.at, end: Math.max(source.at, transition.at - 1) };
  }

  /** True if a transition on an error leads to the state itself, at most by way of two others that wait. */
  #leadsBack(state: Element): boolean {
    const id = state.attributes.get("id")?.text;
    if (id === undefined) return false;
    const errors = [state, ...ancestorsOf(state)].flatMap(({ children }) => children.filter(isErrorTransition));
    let next = new Set(errors.flatMap(targetsOf));
    for (let step = 0; step < 3; step++) {
      if (next.has(id)) return true;
      next = new Set([...next].flatMap((name) => this.#waitingTargets(name)));
    }
    return false;
  }

  /** Where a state goes that only waits: one that sends nothing itself. */
  #waitingTargets(name: string): readonly string[] {
    const state = this.#states.get(name);
    if (!state || [...elementsOf(state)].some((element) => localName(element) === "fetch")) return [];
    return state.children.filter((child) => localName(child) === "transition").flatMap(targetsOf);
  }
}

const isErrorTransition = (element: Element): boolean =>
  localName(element) === "transition" &&
  /(?:^|\s|\.)error(?:\.|\s|$|\*)/.test(element.attributes.get("event")?.text ?? "");

const targetsOf = ({ attributes }: Element): readonly string[] =>
  (attributes.get("target")?.text ?? "").split(/\s+/).filter((name) => name !== "");
