"""Loading vision-language models and turning samples into their inputs."""
