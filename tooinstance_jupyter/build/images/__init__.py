"""Sources to images: the Dockerfile is ours or the source's, repo2docker has it built."""
