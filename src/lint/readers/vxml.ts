/** VoiceXML of GVP: `<data>`, `<submit>` and `<subdialog>`, and the ECMAScript of the page. */
import {
  absent,
  call,
  joined,
  NOTHING,
  partsOf,
  text,
  unknown,
  type Call,
  type Reading,
  type Value,
} from "../calls.ts";
import { destinationOf, readUrl } from "../url.ts";
import { Document } from "./document.ts";
import type { Reader } from "./reader.ts";
import { listed } from "./scxml.ts";
import { ancestorsOf, contentOf, elementsOf, localName, readXml, type Element, type XmlText } from "./xml.ts";

/** Elements that request a page, with the attributes that have its address: as a text, and as an expression. */
const REQUESTS: ReadonlyMap<string, readonly [string, string]> = new Map([
  ["data", ["src", "srcexpr"]],
  ["submit", ["next", "expr"]],
  ["subdialog", ["src", "srcexpr"]],
]);

export const readVxml: Reader = (source) => {
  const { root, faults } = readXml(source.text);
  if (!root) return { ...NOTHING, faults: faults.length > 0 ? faults : [{ at: 0, message: "no XML element" }] };
  const document = new Document(source);
  const elements = [...elementsOf(root)];
  for (const element of elements) remember(document, element);
  const read = joined(elements.map((element) => readRequest(document, element)));
  return { ...joined([read, document.readScripts()]), faults: [...faults, ...document.faults] };
};

const remember = (document: Document, element: Element): void => {
  const [name, expression] = [element.attributes.get("name"), element.attributes.get("expr")];
  const kind = localName(element);
  if ((kind === "var" || kind === "assign") && name && expression) document.define(name.text, expression);
  else if (kind === "script" && contentOf(element).text !== "") document.script(contentOf(element));
};

const readRequest = (document: Document, element: Element): Reading => {
  const [src, expression] = addressOf(element);
  if (!src && !expression) return NOTHING;
  const { at, attributes } = element;
  const url = src ? text(src.text, src.at) : document.value(expression, at);
  const destination = destinationOf(readUrl(partsOf(url)), document.source.isKnownAddress);
  if (destination === "elsewhere") return NOTHING;
  const place = src?.at ?? expression?.at ?? at;
  if (destination === "maybe")
    return { ...NOTHING, undecided: [{ at: place, what: `the URL of a <${element.name}> is computed at run time` }] };
  const isPost = /^post$/i.test(attributes.get("method")?.text ?? "");
  const enctype = attributes.get("enctype");
  const isForm = isPost && !/json/i.test(enctype?.text ?? "");
  const names = attributes.get("namelist");
  return {
    ...NOTHING,
    calls: [
      call(at, {
        urlAt: place,
        url: partsOf(url),
        method: text(isPost ? "POST" : "GET", attributes.get("method")?.at ?? at),
        headers:
          enctype && isPost ? [{ name: "Content-Type", value: text(enctype.text, enctype.at), at: enctype.at }] : [],
        body: bodyOf(document, names, element),
        form: isForm && names !== undefined,
        ...around(element),
      }),
    ],
  };
};

const bodyOf = (document: Document, names: XmlText | undefined, { at, name }: Element): Value => {
  if (names) return listed(document, names);
  // A <submit> without a list sends the fields of its form.
  return name === "submit" ? unknown(at) : absent(at);
};

const addressOf = (element: Element): readonly [XmlText | undefined, XmlText | undefined] => {
  const [written, expression] = REQUESTS.get(localName(element)) ?? [];
  if (written === undefined || expression === undefined) return [undefined, undefined];
  const src = element.attributes.get(written);
  return [src, src ? undefined : element.attributes.get(expression)];
};

const isErrorHandler = (element: Element): boolean => {
  const name = localName(element);
  return (
    name === "error" || (name === "catch" && /(?:^|\s)(?:error|\.)/.test(element.attributes.get("event")?.text ?? "."))
  );
};

/** Inside a handler of errors; and a form whose handler of errors goes to the form again. */
const around = (element: Element): Pick<Call, "afterFailureOf" | "retried"> => {
  const above = [...ancestorsOf(element)];
  const handler = above.find(isErrorHandler);
  const scope = handler?.parent;
  const form = above.find((outer) => localName(outer) === "form");
  return {
    afterFailureOf: handler && scope ? [{ start: scope.at, end: handler.at - 1 }] : [],
    retried: form !== undefined && !handler && goesToItself(form),
  };
};

const goesToItself = (form: Element): boolean => {
  const id = form.attributes.get("id")?.text;
  if (id === undefined) return false;
  const handlers = [...elementsOf(form), ...(form.parent?.children ?? [])].filter(isErrorHandler);
  return handlers
    .flatMap((handler) => [...elementsOf(handler)])
    .some((element) => localName(element) === "goto" && element.attributes.get("next")?.text === `#${id}`);
};
