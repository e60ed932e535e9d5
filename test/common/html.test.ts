import { expect, it } from "vitest";
import { escapeHtml } from "../../src/common/html.ts";

it("escapeHtml escapes the characters that begin an element or a character reference", () =>
  expect(escapeHtml('<b class="x">&amp;</b>')).toBe('&lt;b class="x"&gt;&amp;amp;&lt;/b&gt;'));
