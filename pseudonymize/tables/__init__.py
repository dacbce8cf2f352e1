"""Tables as they come and go: files of rows, frames and streams, read and written within bounds."""
