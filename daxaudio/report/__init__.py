"""daxaudio: shows what an audio classifier listened to."""
