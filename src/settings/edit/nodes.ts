/** Nodes of a YAML document from plain values, laid out as in the sample config: what fits on one line stays there. */
import { isCollection, isMap, isScalar, isSeq, visit, type Document, type Node, YAMLMap, type YAMLSeq } from "yaml";

/** Widest value in brackets or braces; a longer one gets a line for each of its parts. */
const WIDEST = 110;

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

const isFlat = (value: unknown): boolean =>
  !isObject(value) || (Array.isArray(value) && value.every((each) => !isObject(each)));

/** A list of scalars, or a map of scalars and such lists, that fits on a line. */
const isOneLine = (value: object): boolean =>
  (isFlat(value) || (!Array.isArray(value) && Object.values(value).every(isFlat))) &&
  JSON.stringify(value).length <= WIDEST;

/** `block`: the value itself gets a line for each of its parts; its parts are on one line where they fit. */
export const nodeOf = (document: Document, value: unknown, { block = false } = {}): Node => {
  const node = document.createNode(value) as Node;
  if (!isObject(value) || !isCollection(node)) return node;
  node.flow = !block && isOneLine(value);
  if (node.flow) return node;
  if (isMap(node)) {
    const parts = Object.values(value);
    node.items.forEach((pair, at) => {
      pair.value = nodeOf(document, parts[at]);
    });
  } else {
    node.items = (value as unknown[]).map((part) => nodeOf(document, part));
  }
  return node;
};

/** The new value of a list or scalar, with the comments of what stays. */
export const withComments = (before: unknown, after: Node): Node => {
  if (isScalar(before) || isCollection(before)) {
    if (before.comment !== undefined && before.comment !== null) after.comment = before.comment;
    if (before.commentBefore !== undefined && before.commentBefore !== null) after.commentBefore = before.commentBefore;
  }
  if (isSeq(before) && isSeq(after)) {
    const known = new Map(before.items.filter(isScalar).map((item) => [item.value, item]));
    after.items = after.items.map((item) => (isScalar(item) ? (known.get(item.value) ?? item) : item));
    // Lines stay lines; what is between brackets may become too long for them.
    if (before.flow !== true && before.items.length > 0) after.flow = false;
  }
  return after;
};

const PADDED = " ";

/** Prints the document: `[a, b]` and `{ a: b }`, as the sample config has them, where the library pads both or none. */
export const print = (document: Document): string => {
  visit(document, {
    Collection: (_, node) => {
      const of = Object.getPrototypeOf(node) as YAMLMap | YAMLSeq;
      const padding = isMap(node) ? PADDED : "";
      node.toString = (context, ...rest) =>
        of.toString.call(node, context && { ...context, flowCollectionPadding: padding }, ...rest);
    },
  });
  return document.toString({ lineWidth: 0 });
};
