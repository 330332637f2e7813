"""What a caller hands over becomes RGB pixels: files, addresses, arrays, documents, films."""
