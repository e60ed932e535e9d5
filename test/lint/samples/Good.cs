using System.Net.Http.Json;

namespace Example.Crm;

public sealed class Good(HttpClient http, IConfiguration settings)
{
    private readonly string? gateway = settings["OcsGateway"];

    public async Task<bool> DoNotCall(string phone)
    {
        var body = new Dictionary<string, object> { ["GSW_TENANT_DBID"] = 101, ["GSW_CHAIN_ATTR"] = "AllChain" };
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{gateway}/phones/{Uri.EscapeDataString(phone)}?req=DoNotCall")
        {
            Content = JsonContent.Create(body),
        };
        var reply = await http.SendAsync(request);
        return reply.IsSuccessStatusCode;
    }
}
