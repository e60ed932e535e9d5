import { comment, singleQuoted, xml } from "./quote.ts";
import type { SnippetRequest } from "./request.ts";

/** Names of a namelist are variables of ECMAScript: none of the words of its 3rd edition, and no later ones. */
const VARIABLE = /^[A-Za-z_$][A-Za-z0-9_$]*$/;
const WORDS: ReadonlySet<string> = new Set(
  (
    "abstract arguments boolean break byte case catch char class const continue debugger default delete " +
    "do double else enum eval export extends false final finally float for function goto if implements " +
    "import in instanceof int interface let long native new null package private protected public return " +
    "short static super switch synchronized this throw throws transient true try typeof undefined var " +
    "void volatile while with yield"
  ).split(" "),
);
/** Names of VoiceXML's scopes: a variable of this name would hide the scope, and in it the gateway's address. */
const SCOPES: ReadonlySet<string> = new Set(["session", "application", "document", "dialog"]);
const isVariable = (name: string): boolean => VARIABLE.test(name) && !WORDS.has(name) && !SCOPES.has(name);

/**
 * A VoiceXML form for Genesys Voice Platform. VoiceXML can set no header and reads XML only, so the gateway identifies
 * the platform by its client certificate, and there is no form that reads a status.
 */
export const gvp = ({ target, attributes }: SnippetRequest): string => {
  const sent = [...attributes].filter(([name, value]) => isVariable(name) && typeof value !== "object");
  const left = [...attributes.keys()].filter((name) => !sent.some(([each]) => each === name));
  const variables = sent.map(([name, value]) => {
    const literal = typeof value === "number" ? `${value}` : singleQuoted(`${value as string | bigint}`);
    return `    <var name="${xml(name)}" expr="${xml(literal)}"/>\n`;
  });
  const names = sent.map(([name]) => name).join(" ");
  return `\
<?xml version="1.0" encoding="UTF-8"?>
<vxml version="2.1" xmlns="http://www.w3.org/2001/vxml">
  <!-- VoiceXML sends no credential: the gateway takes the platform's client certificate (identity.mtls). -->
  <var name="gateway" expr="'https://ocs-gw.example.internal:8443'"/>
  <form id="ocs">
${left.length === 0 ? "" : `    <!-- A namelist cannot contain: ${xml(comment(left.join(", ")))} -->\n`}\
${variables.join("")}\
    <block>
      <data srcexpr="document.gateway + ${xml(singleQuoted(target))}" method="post"
            ${names === "" ? "" : `enctype="application/json" namelist="${xml(names)}" `}fetchtimeout="30s"/>
    </block>
    <catch event="error.badfetch">
      <log>OCS or the gateway refused the request: <value expr="_event"/> <value expr="_message"/></log>
    </catch>
  </form>
</vxml>
`;
};
