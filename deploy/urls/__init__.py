"""Have the app's rows name their images at the CDN, and at Supabase again."""
