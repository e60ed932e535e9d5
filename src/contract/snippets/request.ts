/** The request that a snippet sends: an action of OCS, what it is about, and its body. */
import { readBody, writeBody, type Attributes, type AttributeValue } from "../../ocs/body.ts";
import type { Action } from "../../ocs/catalog.ts";
import { caseOf } from "../../ocs/examples.ts";
import { readTarget, splitTarget, writeTarget } from "../../ocs/target.ts";

export type SnippetRequest = {
  readonly action: Action;
  /** Decoded; undefined when a GET reads the whole resource. */
  readonly identifier: string | undefined;
  /** Path and query in canonical spelling, percent-encoded. */
  readonly target: string;
  readonly attributes: Attributes;
  /** The attributes as JSON; empty if there are none. */
  readonly body: string;
};

const utf8 = new TextEncoder();

/** The request of the action that the sandbox's seed answers with 200. */
export const sampleOf = (action: Action): SnippetRequest => {
  const { target, body } = caseOf(action);
  return requestOf(action, target, body);
};

/**
 * `path`: as in a request, such as "/phones/4155550100", with or without `req`. `body`: JSON; empty for none. Throws
 * Violation if OCS would not accept the request.
 */
export const requestOf = (action: Action, path: string, body: string): SnippetRequest => {
  const query = action.method === "GET" ? "" : `?req=${action.name}`;
  const operation = readTarget(action.method, `${splitTarget(path)?.path ?? path}${query}`);
  const attributes = readBody(operation.action, utf8.encode(body));
  return {
    action: operation.action,
    identifier: operation.identifier,
    target: writeTarget(operation),
    attributes,
    body: writeBody(attributes),
  };
};

/** The attributes of OCS, and apart from them the user-defined fields of the calling list. */
export const partsOf = ({ attributes }: SnippetRequest): { ours: Attributes; fields: Attributes } => {
  const entries = [...attributes];
  return {
    ours: new Map(entries.filter(([name]) => name.startsWith("GSW_"))),
    fields: new Map(entries.filter(([name]) => !name.startsWith("GSW_"))),
  };
};

/** An object literal with one member a line; `write` writes names and values of the language. */
export const objectLiteral = (
  attributes: ReadonlyMap<string, AttributeValue>,
  write: { readonly name: (name: string) => string; readonly value: (value: string | number | bigint) => string },
  indent: string,
): string => {
  if (attributes.size === 0) return "{}";
  const members = [...attributes].map(([name, value]) => {
    const written =
      typeof value === "object" ? objectLiteral(value as Attributes, write, `${indent}  `) : write.value(value);
    return `${indent}  ${write.name(name)}: ${written},\n`;
  });
  return `{\n${members.join("")}${indent}}`;
};
