// Answers everything that no rule of the CDN covers. Without it the distribution would
// hand any path of the Supabase project on, its REST API and Auth included.
function handler(event) {
  return {
    statusCode: 404,
    statusDescription: "Not Found",
    headers: { "cache-control": { value: "no-store" } },
  };
}
