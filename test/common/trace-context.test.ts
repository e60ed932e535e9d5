/** W3C Trace Context: what counts as a parent, and what is ignored. */
import { describe, expect, it } from "vitest";
import type { HeaderLine } from "../../src/common/message.ts";
import { traceContextOf } from "../../src/common/trace-context.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const PARENT = `00-${TRACE}-${SPAN}-01`;

const of = (...headers: HeaderLine[]) => traceContextOf(headers);

describe("traceparent", () => {
  it.each<[string, string, { sampled: boolean }]>([
    ["a sampled one", PARENT, { sampled: true }],
    ["one that is not sampled", `00-${TRACE}-${SPAN}-00`, { sampled: false }],
    ["flags that this version does not know", `00-${TRACE}-${SPAN}-02`, { sampled: false }],
    ["all flags", `00-${TRACE}-${SPAN}-ff`, { sampled: true }],
    ["a later version", `01-${TRACE}-${SPAN}-01`, { sampled: true }],
    ["a later version with more members", `01-${TRACE}-${SPAN}-01-what-comes`, { sampled: true }],
  ])("accepts %s", (_name, given, { sampled }) => {
    const parent = `00-${TRACE}-${SPAN}-${sampled ? "01" : "00"}`;
    expect(of(["TraceParent", given])).toEqual({
      parent,
      traceId: TRACE,
      spanId: SPAN,
      isSampled: sampled,
      state: undefined,
    });
  });

  it.each<[string, string]>([
    ["nothing", ""],
    ["version ff", `ff-${TRACE}-${SPAN}-01`],
    ["version 00 with more members", `${PARENT}-more`],
    ["a trace id of zeros", `00-${"0".repeat(32)}-${SPAN}-01`],
    ["a span id of zeros", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["capital letters", PARENT.toUpperCase()],
    ["a short trace id", `00-${TRACE.slice(1)}-${SPAN}-01`],
    ["a long span id", `00-${TRACE}-${SPAN}0-01`],
    ["flags of one digit", `00-${TRACE}-${SPAN}-1`],
    ["no hexadecimal digits", `00-${TRACE.replace("4", "g")}-${SPAN}-01`],
    ["text around it", ` ${PARENT}x`],
    ["two values in one line", `${PARENT},${PARENT}`],
  ])("ignores %s", (_name, given) => {
    expect(of(["traceparent", given])).toBe(undefined);
  });

  it("is ignored when a request has two", () => {
    expect(of(["traceparent", PARENT], ["Traceparent", PARENT])).toBe(undefined);
    expect(of()).toBe(undefined);
  });
});

describe("tracestate", () => {
  it.each<[string, readonly string[], string | undefined]>([
    ["one member", ["rojo=00f067aa0ba902b7"], "rojo=00f067aa0ba902b7"],
    ["several members and lines", ["a=1, b=2", "c@d=3"], "a=1,b=2,c@d=3"],
    ["empty members", ["a=1,,b=2,"], "a=1,b=2"],
    ["a key twice", ["a=1,a=2"], undefined],
    ["a key with capital letters", ["Abc=1"], undefined],
    ["a value with an equals sign", ["a=b=c"], undefined],
    ["no value", ["a="], undefined],
    ["33 members", [Array.from({ length: 33 }, (_, at) => `k${at}=1`).join(",")], undefined],
    ["32 members", [Array.from({ length: 32 }, (_, at) => `k${at}=1`).join(",")], "k0=1"],
    ["more than 512 characters", [`a=${"x".repeat(255)},b=${"x".repeat(255)}`], undefined],
    ["none", [], undefined],
  ])("with %s", (_name, lines, expected) => {
    const state = of(["traceparent", PARENT], ...lines.map((line): HeaderLine => ["tracestate", line]))!.state;
    if (expected === undefined) expect(state).toBe(undefined);
    else expect(state?.startsWith(expected)).toBe(true);
  });

  it("is ignored without a valid parent", () => {
    expect(of(["tracestate", "a=1"])).toBe(undefined);
  });
});
