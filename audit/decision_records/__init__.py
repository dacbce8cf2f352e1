"""What a recorded decision is: its forms in and out, its packed bytes, its proof, and how a batch is recorded once."""
