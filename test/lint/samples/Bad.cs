using System;

namespace Example.Crm
{
    public class Bad
    {
        private const string Ocs = "http://ocs1.example.internal:8080";

        public async Task Add(string phone)
        {
            for (var attempt = 0; attempt < 3; attempt++)
            {
                try
                {
                    await client.PostAsync(Ocs + "/lists/Alpha%20List?req=AddRecord", new StringContent(json, Encoding.UTF8, "application/json"));
                    return;
                }
                catch (HttpRequestException) { await Task.Delay(1000); }
            }
        }

        public async Task Finish(int handle)
        {
            client.DefaultRequestHeaders.Add("Authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("crm:Winter2025")));
            var body = new Dictionary<string, object> { ["GSW_CALL_RESULT"] = 99, ["GSW_CALBACK_TYPE"] = "Campaign" };
            await client.PostAsJsonAsync($"{Ocs}/records/{handle}?req=RecordReschedule", body);
            await client.PostAsJsonAsync($"{Ocs}/records/{handle}?req=RecordProcessed", new { GSW_CALL_RESULT = 33 });
        }
    }
}
