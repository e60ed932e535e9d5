import { doubleQuoted } from "./quote.ts";
import type { SnippetRequest } from "./request.ts";

/** Needs .NET 8. */
export const csharp = ({ action, target, body }: SnippetRequest): string => `\
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;

// Keep this client for all requests. It trusts the CA in OCSGW_CA alone.
var trust = new X509ChainPolicy
{
    TrustMode = X509ChainTrustMode.CustomRootTrust,
    RevocationMode = X509RevocationMode.NoCheck,
};
trust.CustomTrustStore.ImportFromPemFile(Environment.GetEnvironmentVariable("OCSGW_CA")!);
using var gateway = new HttpClient(new SocketsHttpHandler
{
    MaxConnectionsPerServer = 1,
    ConnectTimeout = TimeSpan.FromSeconds(5),
    SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = trust },
})
{ Timeout = TimeSpan.FromSeconds(30) };

var url = Environment.GetEnvironmentVariable("OCSGW_URL") + ${doubleQuoted(target)};
using var request = new HttpRequestMessage(HttpMethod.${action.method === "GET" ? "Get" : "Post"}, url);
request.Headers.Add("X-Api-Key", Environment.GetEnvironmentVariable("OCSGW_KEY"));
request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/problem+json"));
${
  action.method === "GET"
    ? ""
    : `request.Content = new StringContent(${doubleQuoted(body)}, Encoding.UTF8, "application/json");\n`
}\
using var answer = await gateway.SendAsync(request);
string Header(string name) => answer.Headers.TryGetValues(name, out var values) ? values.First() : "";
Console.WriteLine($"{(int)answer.StatusCode} {Header("Ocsgw-Code")} {await answer.Content.ReadAsStringAsync()}");
if ((int)answer.StatusCode != 200)
{
    // safe: send it again. check-first: read the state first. Otherwise do not send the same request again.
    Console.WriteLine($"repeat: {Header("Ocsgw-Repeat")} {Header("Ocsgw-Request-Id")}");
}
`;
